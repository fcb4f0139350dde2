"""Save a LightGBM model as `mlflow models serve` wants it.

python benchmarks/servers/log_to_mlflow.py model.txt folder
"""

import sys

import lightgbm as lgb
import mlflow.lightgbm

file, folder = sys.argv[1:]
mlflow.lightgbm.save_model(lgb.Booster(model_file=file), folder)
