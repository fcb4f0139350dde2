"""The steps of every pipeline: one Hydra app a DVC stage."""
