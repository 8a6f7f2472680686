#!/usr/bin/env python3
"""Every metric of the studio under light load, with its type and exactly its labels (O-M01..O-M47), and what each fault
moves (the inputs of O-A01..O-A12).

Usage: tests/examples_studio/run_metrics.py BUILD [NAME...]
"""

import atexit
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples_common"))
import exampletest as ex  # noqa: E402
from barotest import equal, main, need, wait_until  # noqa: E402

STUDIO = "studio/studio"
STAGES = ["image_loading", "image_preprocessing", "shape_generation", "texture_synthesis", "mesh_export"]

FAMILIES = {
    "O-M01": ("http_requests_total", "counter", ["method", "endpoint", "status"]),
    "O-M02": ("http_request_duration_seconds", "histogram", ["method", "endpoint"]),
    "O-M03": ("http_request_size_bytes", "histogram", []),
    "O-M04": ("http_response_size_bytes", "histogram", []),
    "O-M05": ("concurrent_requests", "gauge", ["endpoint"]),
    "O-M06": ("errors_total", "counter", ["type", "endpoint"]),
    "O-M07": ("validation_errors_total", "counter", ["field", "error_type"]),
    "O-M08": ("rate_limit_rejections_total", "counter", ["endpoint"]),
    "O-M09": ("text_to_image_generations_total", "counter", ["art_style", "status"]),
    "O-M10": ("text_to_image_duration_seconds", "histogram", []),
    "O-M11": ("model_3d_generations_total", "counter", ["format", "quality", "status"]),
    "O-M12": ("model_3d_duration_seconds", "histogram", []),
    "O-M13": ("image_uploads_total", "counter", ["format", "status"]),
    "O-M14": ("successful_generations_total", "counter", ["type"]),
    "O-M15": ("failed_generations_total", "counter", ["type", "reason"]),
    "O-M16": ("generation_quality_score", "histogram", []),
    "O-M17": ("gpu_usage_percent", "gauge", ["gpu_id"]),
    "O-M18": ("gpu_memory_bytes", "gauge", ["gpu_id", "type"]),
    "O-M19": ("cpu_usage_percent", "gauge", ["core"]),
    "O-M20": ("memory_usage_bytes", "gauge", ["type"]),
    "O-M21": ("disk_usage_bytes", "gauge", ["path", "type"]),
    "O-M22": ("app_uptime_seconds", "gauge", []),
    "O-M23": ("active_jobs", "gauge", ["type"]),
    "O-M24": ("job_queue_size", "gauge", ["type"]),
    "O-M25": ("app_info", "gauge", ["name", "version"]),
    "O-M26": ("quality_bg_removal_score", "gauge", []),
    "O-M27": ("quality_shape_score", "gauge", []),
    "O-M28": ("quality_texture_score", "gauge", []),
    "O-M29": ("quality_final_score", "gauge", []),
    "O-M30": ("quality_overall_score", "gauge", []),
    "O-M31": ("quality_score_distribution", "histogram", ["stage"]),
    "O-M32": ("quality_grade_total", "counter", ["grade"]),
    "O-M33": ("quality_auto_repairs_total", "counter", ["repair_type"]),
    "O-M34": ("quality_validation_failures_total", "counter", ["stage", "issue_type"]),
    "O-M35": ("quality_threshold_passes_total", "counter", ["threshold"]),
    "O-M36": ("quality_manifold_rate", "gauge", []),
    "O-M37": ("quality_printable_rate", "gauge", []),
    "O-M38": ("cache_hits_total", "counter", ["cache_type"]),
    "O-M39": ("cache_misses_total", "counter", ["cache_type"]),
    "O-M40": ("websocket_connections_active", "gauge", ["client_type"]),
    "O-M41": ("websocket_messages_sent_total", "counter", ["event_type"]),
    "O-M42": ("websocket_errors_total", "counter", ["error_type"]),
    "O-M43": ("websocket_connection_duration_seconds", "histogram", []),
    "O-M44": ("pipeline_stage_duration_seconds", "histogram", ["stage"]),
    "O-M45": ("pipeline_stage_errors_total", "counter", ["stage", "error_type"]),
    "O-M46": ("db_query_duration_seconds", "histogram", ["query_type"]),
    "O-M47": ("generated_file_size_bytes", "histogram", ["type"]),
}

_loaded: ex.Metrics | None = None
_service: ex.Service | None = None
_generations = 0


def light_load(build: pathlib.Path) -> ex.Metrics:
    """One studio for all ids, after a little of everything."""
    global _loaded, _service, _generations
    if _loaded:
        return _loaded
    work = tempfile.TemporaryDirectory(prefix="barograph-")
    _service = ex.Service(build, pathlib.Path(work.name), STUDIO, "--gpu=simulated", "--burst=25", "--rate=5",
                          "--fault=fail-stage:mesh_export=0.3")
    _service.__enter__()
    atexit.register(lambda: (_service.program.stop(), work.cleanup()))
    studio = _service
    ws = ex.WebSocket(studio.port, "/ws")
    _, _, answer = studio.call("POST", "/api/upload-image", ex.disk(radius=0.45))
    image_id = json.loads(answer)["image_id"]
    studio.call("POST", "/api/upload-image", b"not an image")
    studio.post("/api/text-to-image", prompt="a red fox", width=64, height=64, wait=10)
    studio.post("/api/text-to-image", art_style="pixel")
    ended = []
    while len(ended) < 14 or (len(ended) < 100 and not set(ended) >= {"done", "failed"}):
        i = len(ended)  # seven reliefs twice, so that the second may come from the cache; then seven that are new to it
        job = studio.post("/api/generate-3d", image_id=image_id, quality="draft", format="stl",
                          relief_mm=2 + i % 7 + i // 14 / 100, base="cutout", base_mm=0.5, size_mm=300, wait=10)[1]
        ended.append(job.get("state"))
    equal(set(ended), {"done", "failed"}, "both outcomes")
    _generations = len(ended)
    studio.call("GET", "/ws")
    for _ in range(40):
        studio.call("GET", "/api/jobs")
    ws.send(8, b"\x03\xe8")
    ws.close_code()
    wait_until("the socket is closed", lambda: studio.metrics().sum("websocket_connection_duration_seconds_count") == 1, 5)
    _loaded = studio.metrics()
    return _loaded


def make_id_test(name: str, kind: str, labels: list[str]):
    return lambda build, work: ex.check_family(light_load(build), name, kind, labels)


TESTS = {f"test_{identity}_{row[0]}": make_id_test(*row) for identity, row in FAMILIES.items()}


def test_nothing_else_is_exposed(build: pathlib.Path, work: pathlib.Path) -> None:
    known = {row[0] for row in FAMILIES.values()}
    extra = [n for n in light_load(build).types if n not in known and not n.startswith(("process_", "baro_"))]
    equal(extra, [], "families beyond the catalogue")


def test_values_are_sound(build: pathlib.Path, work: pathlib.Path) -> None:
    m = light_load(build)
    for name in ("bg_removal", "shape", "texture", "final", "overall"):
        value = m.sum(f"quality_{name}_score")
        if not 0 < value <= 1:
            raise AssertionError(f"quality_{name}_score {value}")
    equal(m.sum("quality_manifold_rate"), 100.0)
    equal(m.sum("quality_printable_rate"), 0.0, "270 mm fit no printer")
    if m.sum("quality_validation_failures_total", stage="final", issue_type="too_large_for_printer") < 1:
        raise AssertionError("too_large_for_printer was not counted")
    if m.sum("quality_auto_repairs_total", repair_type="thin_wall") < 1:
        raise AssertionError("thin_wall was not repaired")
    for stage in STAGES:
        if m.sum("pipeline_stage_duration_seconds_count", stage=stage) < 1:
            raise AssertionError(f"no duration of {stage} (O-V3)")
    done = m.sum("model_3d_generations_total", status="success")
    failed = m.sum("model_3d_generations_total", status="failure")
    equal(done + failed, float(_generations), "generations")
    equal(m.sum("successful_generations_total", type="generate_3d"), done)
    equal(m.sum("failed_generations_total", type="generate_3d", reason="injected"), failed)
    equal(m.sum("model_3d_duration_seconds_count"), float(_generations))
    equal(m.sum("active_jobs"), 0.0)
    total, used, available = (m.sum("memory_usage_bytes", type=t) for t in ("total", "used", "available"))
    equal(total, used + available)
    equal(m.sum("gpu_memory_bytes", type="total"), float(8 << 30))
    equal(m.sum("concurrent_requests"), 1.0, "only the scrape itself")
    if not 0 < m.sum("app_uptime_seconds") < 120:
        raise AssertionError("app_uptime_seconds")
    if m.sum("cache_hits_total", cache_type="mask") < 1 or m.sum("rate_limit_rejections_total") < 5:
        raise AssertionError("cache hits or rate limits were not counted")


def test_the_exposition_agrees_with_the_catalogue(build: pathlib.Path, work: pathlib.Path) -> None:
    light_load(build)
    ex.judge_exposition(build, _service, "orfeas")


def test_a_real_prometheus_scrapes_it(build: pathlib.Path, work: pathlib.Path) -> None:
    """O-V4"""
    light_load(build)
    ex.scrape_with_prometheus(work, _service, {
        "sum(rate(http_requests_total[5m]))": 0.001,
        "histogram_quantile(0.95, sum by (le) (http_request_duration_seconds_bucket))": 0.001,
        'sum(model_3d_generations_total{status="success"})': 1,
        "count(count by (__name__) ({job='it'}))": 80})


def test_formats_and_switches(build: pathlib.Path, work: pathlib.Path) -> None:
    """O-P1: one exposition in each format; METRICS_ENDPOINT moves it; PROMETHEUS_ENABLED=false ends it."""
    light_load(build)
    for accept, kind in (("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
                         ("text/plain", "text/plain; version=0.0.4"),
                         ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                          "application/vnd.google.protobuf")):
        status, headers, body = _service.call("GET", "/metrics", headers={"Accept": accept})
        equal((status, headers["content-type"].startswith(kind), len(body) > 1000), (200, True, True), accept)
    with ex.Service(build, work, STUDIO, environment={"METRICS_ENDPOINT": "/internal/metrics"}) as studio:
        equal(studio.call("GET", "/metrics")[0], 404)
        equal("app_info" in studio.metrics("/internal/metrics").types, True)
    with ex.Service(build, work, STUDIO, "--data=off", environment={"PROMETHEUS_ENABLED": "false"}) as studio:
        equal(studio.post("/api/text-to-image", prompt="x", width=64, height=64, wait=10)[1]["state"], "done")


# What NVML's interface looks like to a program; two GPUs, the second of which fails.
NVML = r"""
typedef void *device;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *ret) { *ret = (device)(unsigned long)(i + 1); return 0; }
int nvmlDeviceGetUtilizationRates(device d, unsigned *ret) { ret[0] = 37; ret[1] = 5; return d == (device)1 ? 0 : 15; }
int nvmlDeviceGetMemoryInfo(device d, unsigned long long *ret)
{ ret[0] = 1000; ret[1] = 600; ret[2] = 400; return d == (device)1 ? 0 : 15; }
"""


def test_gpus_are_read_by_nvml(build: pathlib.Path, work: pathlib.Path) -> None:
    """O-M17, O-M18: with a driver's library, against its interface; without one there is nothing to show."""
    compiler = need("cc")
    (work / "nvml.c").write_text(NVML)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(work / "libnvidia-ml.so.1"), str(work / "nvml.c")], check=True)
    with ex.Service(build, work, STUDIO, environment={"LD_LIBRARY_PATH": str(work)}) as studio:
        m = studio.metrics()
        equal(m.of("gpu_usage_percent"), [({"gpu_id": "0"}, 37.0)])
        equal([m.sum("gpu_memory_bytes", type=t) for t in ("total", "used", "free")], [1000.0, 400.0, 600.0])
    with ex.Service(build, work, STUDIO, "--gpu=none", environment={"LD_LIBRARY_PATH": str(work)}) as studio:
        equal(studio.metrics().of("gpu_usage_percent"), [], "--gpu=none")


# ---- what faults move: the inputs of the pack's alert rules ----


def test_A02_A07_errors_are_counted(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=errors:1", "--rate=0") as studio:
        for _ in range(20):
            equal(studio.call("GET", "/api/jobs")[0], 500)
        m = studio.metrics()
        equal(m.sum("errors_total", type="injected", endpoint="/api/jobs"), 20.0)
        equal(m.sum("http_requests_total", status="500"), 20.0)


def test_A03_A08_requests_take_long(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=slow-http:0.6", "--fault=slow-stage:shape_generation=1.2") as studio:
        image_id = json.loads(studio.call("POST", "/api/upload-image", ex.disk(48))[2])["image_id"]
        begin = time.monotonic()
        studio.post("/api/generate-3d", image_id=image_id, quality="draft", wait=20)
        took = time.monotonic() - begin
        m = studio.metrics()
        equal(took >= 1.8, True, f"took {took}")
        equal(m.quantile(0.95, "http_request_duration_seconds"), 2.5, "the bucket of 1.8 s")
        equal(m.sum("pipeline_stage_duration_seconds_bucket", stage="shape_generation", le="1"), 0.0)
        equal(m.sum("pipeline_stage_duration_seconds_bucket", stage="shape_generation", le="2"), 1.0)


def test_A04_A09_cores_are_busy(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=cpu-burn:60") as studio:
        def burns() -> bool:
            rows = studio.metrics().of("cpu_usage_percent")
            return len(rows) > 0 and sum(v for _, v in rows) / len(rows) > 50
        wait_until("cores above 50 %", burns, 6, 0.3)


def test_A05_A10_memory_runs_short(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--memory-limit=140", "--fault=memory-ballast:128") as studio:
        m = studio.metrics()
        share = m.sum("memory_usage_bytes", type="used") / m.sum("memory_usage_bytes", type="total")
        equal((m.sum("memory_usage_bytes", type="total"), share > 0.95), (float(140 << 20), True), f"share {share}")


def test_A06_a_flood_is_rejected(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--rate=1", "--burst=5", "--fault=flood:100") as studio:
        wait_until("rejections", lambda: studio.metrics().sum("rate_limit_rejections_total", endpoint="/api/jobs") > 20, 5)
        before, begin = studio.metrics().sum("rate_limit_rejections_total"), time.monotonic()
        time.sleep(0.5)
        rate = (studio.metrics().sum("rate_limit_rejections_total") - before) / (time.monotonic() - begin)
        equal(rate > 10, True, f"{rate} rejections a second")
        equal(studio.get("/health")[0], 200, "unlimited routes stay open")


def test_A11_generations_fail(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=fail-stage:texture_synthesis=1") as studio:
        image_id = json.loads(studio.call("POST", "/api/upload-image", ex.disk(48))[2])["image_id"]
        for i in range(3):
            job = studio.post("/api/generate-3d", image_id=image_id, quality="draft", wait=10)[1]
            equal((job["state"], job["error"]), ("failed", "injected"))
        m = studio.metrics()
        failed, done = m.sum("failed_generations_total"), m.sum("successful_generations_total")
        equal((failed, done), (3.0, 1.0), "three generations failed, one upload succeeded")
        equal(m.sum("pipeline_stage_errors_total", stage="texture_synthesis", error_type="injected"), 3.0)


def test_A12_the_disk_fills(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--disk-quota=10", "--fault=disk-fill:0.97") as studio:
        m = studio.metrics()
        share = m.sum("disk_usage_bytes", type="free") / m.sum("disk_usage_bytes", type="total")
        equal(share < 0.2, True, f"free {share}")
        status = [studio.call("POST", "/api/upload-image", ex.disk(400, 0.2 + i / 50))[0] for i in range(6)]
        equal(507 in status, True, f"uploads: {status}")
        equal(studio.metrics().sum("errors_total", type="disk_full") >= 1, True)


def test_A01_it_crashes(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=crash:0.5") as studio:
        equal(studio.program.process.wait(10), 70)


def test_bad_meshes_lower_the_rates(build: pathlib.Path, work: pathlib.Path) -> None:
    with ex.Service(build, work, STUDIO, "--fault=bad-mesh") as studio:
        image_id = json.loads(studio.call("POST", "/api/upload-image", ex.disk(48))[2])["image_id"]
        job = studio.post("/api/generate-3d", image_id=image_id, quality="draft", wait=10)[1]
        equal((job["quality"]["manifold"], job["quality"]["printable"]), (False, False))
        m = studio.metrics()
        equal((m.sum("quality_manifold_rate"), m.sum("quality_printable_rate")), (0.0, 0.0))
        equal(m.sum("quality_validation_failures_total", stage="shape", issue_type="not_manifold"), 1.0)


if __name__ == "__main__":
    main({**TESTS, **globals()})
