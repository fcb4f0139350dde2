"""The manifests that kustomize renders are right for Kubernetes, for one another and for the service."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
from rendering import OVERLAYS, Manifest, container, one, pod, render, rules, secret_examples, told

from headrace.declaration.serving import Serving
from headrace.service.needs import needed_scope
from headrace.service.settings import read_settings

VERSIONS = ("1.29", "1.31", "1.33", "1.35", "1.37")
OF_PROMETHEUS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of Prometheus' operator, which Kubernetes' own schemas have not."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_takes_every_manifest(overlay: str, version: str) -> None:
    """Strictly: a key that it does not know is an error."""
    checked = [each for each in render(overlay) if each["kind"] not in OF_PROMETHEUS]
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)
    assert {each["kind"] for each in checked} >= {
        "Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy",
    }  # fmt: skip


def test_the_check_knows_a_mistake() -> None:
    """Else it would say nothing."""
    deployment = one("production", "Deployment")
    wrong = {**deployment, "spec": {**deployment["spec"], "replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_production_scales_and_staging_is_one_pod() -> None:
    """What the autoscaler says the deployment does not say, too; files are one pod's, and go with no pod."""
    deployment, scaler = one("production", "Deployment"), one("production", "HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    staging = one("staging", "Deployment")["spec"]
    assert (staging["replicas"], staging["strategy"]) == (1, {"type": "Recreate"})
    assert "HorizontalPodAutoscaler" not in {each["kind"] for each in render("staging")}
    claims = [
        each["persistentVolumeClaim"]["claimName"] for each in volumes("staging") if "persistentVolumeClaim" in each
    ]
    assert claims == [one("staging", "PersistentVolumeClaim")["metadata"]["name"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_match_the_pods_and_no_others(overlay: str) -> None:
    """Of the deployment, the service, the budget, the policy and the monitor; Redis and PostgreSQL are not ours."""
    labels = pod(overlay)["metadata"]["labels"]
    service = one(overlay, "Service")
    assert one(overlay, "Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert one(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    policy = one(overlay, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert one(overlay, "ServiceMonitor")["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    for spread in pod(overlay)["spec"]["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == labels
    reached = [peer["podSelector"]["matchLabels"] for rule in policy["egress"] for peer in rule["to"]]
    assert reached == [
        {"k8s-app": "kube-dns"},
        {"app.kubernetes.io/name": "redis"},
        {"app.kubernetes.io/name": "postgresql"},
    ]
    assert {each["metadata"]["namespace"] for each in render(overlay)} == {service["metadata"]["namespace"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_one_another_s(overlay: str) -> None:
    """BentoML's 3000, by its name where a name is taken; probes and metrics ask for no token."""
    [port] = container(overlay)["ports"]
    assert port["containerPort"] == 3000
    assert [each["targetPort"] for each in one(overlay, "Service")["spec"]["ports"]] == [port["name"]]
    [from_outside] = one(overlay, "NetworkPolicy")["spec"]["ingress"]
    assert from_outside["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]
    probes = [container(overlay)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert {each["port"] for each in probes} == {port["name"]}
    assert [each["path"] for each in probes] == ["/readyz", "/readyz", "/livez"]
    [scraped] = one(overlay, "ServiceMonitor")["spec"]["endpoints"]
    assert scraped["port"] in {each["name"] for each in one(overlay, "Service")["spec"]["ports"]}
    assert {needed_scope(each["path"]) for each in (*probes, scraped)} == {None}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_container_may_do_little(overlay: str) -> None:
    """It is not root, cannot become it, and writes nowhere but to its volumes."""
    spec, inside = pod(overlay)["spec"], container(overlay)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert not spec["automountServiceAccountToken"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = container(overlay)["resources"]
    assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}
    assert told(overlay)["HEADRACE_WORKERS"] == resources["limits"]["cpu"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_references(overlay: str) -> None:
    """Those of the example, with the keys that are read; none is in a manifest. What is mounted follows its secret."""
    [mounted] = [each["secret"]["secretName"] for each in volumes(overlay) if "secret" in each]
    [read] = [each["secretRef"]["name"] for each in container(overlay)["envFrom"] if "secretRef" in each]
    assert {mounted, read} == set(secret_examples())
    assert not [each for each in render(overlay) if each["kind"] == "Secret"]
    assert not [each for each in container(overlay)["volumeMounts"] if "subPath" in each]
    folder = next(each["mountPath"] for each in container(overlay)["volumeMounts"] if each["name"] == "tokens")
    [file] = secret_examples()[mounted]
    assert told(overlay)["HEADRACE_ACCESS__TOKEN_FILE"] == f"{folder}/{file}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that is told one that it does not know would not start; Kubernetes' own about services are such."""
    for name, value in told(overlay).items():
        monkeypatch.setenv(name, value)
    settings = read_settings(Serving(), "fraud")
    mounts = {each["mountPath"] for each in container(overlay)["volumeMounts"]}
    assert str(settings.state) in mounts
    assert settings.access.enabled
    assert settings.workers == 2
    assert settings.variant == ("champion" if overlay == "production" else "staging")
    assert pod(overlay)["spec"]["enableServiceLinks"] is False


def test_one_overlay_brings_alerts_and_dashboard() -> None:
    """They watch every namespace: twice in a cluster would be every alert twice."""
    assert one("production", "PrometheusRule")["spec"] == rules()
    dashboard = [each for each in render("production") if each["metadata"]["name"] == "headrace-dashboard"]
    assert dashboard[0]["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert not {each["kind"] for each in render("staging")} & {"PrometheusRule"}


def volumes(overlay: str) -> list[Manifest]:
    """Return a pod's volumes, all of which are mounted, and all that is mounted is one."""
    found: list[dict[str, Any]] = pod(overlay)["spec"]["volumes"]
    assert {each["name"] for each in found} == {each["name"] for each in container(overlay)["volumeMounts"]}
    return found
