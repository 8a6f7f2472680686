#!/usr/bin/env python3
"""`barograph export`: each exporter against the real thing that it asks: this host, Redis, PostgreSQL, StatsD's clients, control groups.

Usage: tests/exporter/run_exporters.py BUILD [NAME...]
"""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "examples_common"), str(HERE)]
from barotest import ROOT, Program, Skip, contains, equal, free_port, main, need, wait_until  # noqa: E402
from exampletest import Metrics  # noqa: E402
import servers  # noqa: E402


class Exporter:
    """`barograph export NAME` on a free port."""

    def __init__(self, build, work, name, *flags, environment=None):
        self.name = name
        log = work / f"export-{name}-{time.monotonic_ns()}.log"
        self.program = Program([str(build / "barograph"), "export", name, "--web.listen-address=127.0.0.1:0", *flags], log,
                               env={**os.environ, **(environment or {})})

    def __enter__(self):
        wait_until(f"export {self.name}: listening", self.has_port, 20, 0.02)
        return self

    def has_port(self):
        found = re.search(r"^export \w+ listening on port (\d+)$", self.program.text(), re.M)
        if not found and self.program.process.poll() is not None:
            raise RuntimeError(f"export {self.name} ended: {self.program.text()}")
        self.port = int(found[1]) if found else 0
        return found is not None

    def __exit__(self, kind, *_):
        status = self.program.stop()
        if kind is None:
            equal(status, 0, f"export {self.name}: exit status")

    def get(self, path="/metrics", **headers):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            conn.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = conn.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read()
        finally:
            conn.close()

    def metrics(self):
        status, _, body = self.get()
        equal(status, 200, "status")
        return Metrics(body.decode())

    def await_metrics(self, what, test, limit=30):
        """The exposition for which the test holds."""
        found = []

        def holds():
            found[:] = [self.metrics()]
            return test(found[0])
        wait_until(what, holds, limit, 0.1)
        return found[0]


def check_text(text, *lint):
    """promtool reads it; what it finds odd are names that are others' (a regular expression each)."""
    done = subprocess.run([need("promtool"), "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
    equal(b"error while linting" in done.stderr, False, done.stderr.decode())
    odd = [line for line in done.stderr.decode().splitlines() if line and not any(re.search(part, line) for part in lint)]
    equal(odd, [], "promtool check metrics")


def test_node_has_the_names_types_and_labels_of_the_node_exporter(build, work):
    theirs_port = free_port()
    # Releases and distributions differ in what they leave out.
    same = ["--collector.filesystem.fs-types-exclude=^(proc|sysfs|devpts|cgroup2?|tmpfs|devtmpfs)$",
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys)($|/)"]
    theirs = Program([need("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{theirs_port}", *same], work / "node.log")
    try:
        with Exporter(build, work, "node", *same) as node:
            own = node.metrics()

            def scrape():
                with contextlib.suppress(OSError):
                    conn = http.client.HTTPConnection("127.0.0.1", theirs_port, timeout=30)
                    conn.request("GET", "/metrics")
                    return Metrics(conn.getresponse().read().decode())
                return None
            wait_until("the node exporter", lambda: scrape() is not None, 30, 0.2)
            other = scrape()
            check_text(own.text, "snake_case", "abbreviated")
    finally:
        theirs.stop()
    names = {name for name, _, _ in own.samples if name.startswith("node_")}
    known = {name for name, _, _ in other.samples}
    # A kernel may have fields and a release of theirs may not; one that is ours alone must be of /proc/meminfo.
    equal({name for name in names - known if not name.startswith("node_memory_")}, set(), "names that the node exporter has not")
    equal(len(names & known) > 60, True, f"{len(names & known)} names in common")
    for name in sorted(names & known):
        equal(own.types[name], other.types[name], f"type of {name}")
        equal(sorted(own.of(name)[0][0]), sorted(other.of(name)[0][0]), f"labels of {name}")
    for name, labels in (("node_filesystem_size_bytes", "mountpoint"), ("node_network_receive_bytes_total", "device"),
                         ("node_cpu_seconds_total", "cpu")):
        equal({row[labels] for row, _ in own.of(name)} - {"lo"}, {row[labels] for row, _ in other.of(name)} - {"lo"}, f"{name}: {labels}")
    equal(own.sum("node_memory_MemTotal_bytes"), other.sum("node_memory_MemTotal_bytes"), "memory")
    by_place = lambda m: sorted((row["mountpoint"], row["fstype"], row["device"], size) for row, size in m.of("node_filesystem_size_bytes"))  # noqa: E731
    equal(by_place(own), by_place(other), "sizes")


def test_node_leaves_out_what_it_is_told(build, work):
    with Exporter(build, work, "node", "--collector.filesystem.fs-types-exclude=.*") as node:
        equal(node.metrics().of("node_filesystem_size_bytes"), [], "all kinds are left out")
    with Exporter(build, work, "node", "--collector.filesystem.mount-points-exclude=^/$") as node:
        equal(node.metrics().of("node_filesystem_size_bytes", mountpoint="/"), [], "/ is left out")


def test_redis_is_asked_and_asked_again_after_a_restart(build, work):
    secret = os.urandom(12).hex()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.Redis(work, "--requirepass", secret, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"))
        server.ask(f"AUTH {secret}", "SELECT 3", "SET a 1", "GET a", "GET a", "GET none", "NONSENSE")
        exporter = stack.enter_context(Exporter(build, work, "redis", f"--redis.addr=redis://127.0.0.1:{server.port}",
                                                environment={"REDIS_PASSWORD": secret}))
        m = exporter.metrics()
        equal(m.sum("redis_up"), 1, "up")
        equal((m.sum("redis_keyspace_hits_total"), m.sum("redis_keyspace_misses_total")), (2, 1), "hits and misses")
        equal(m.sum("redis_memory_max_bytes"), 64 << 20, "limit")
        equal(m.of("redis_db_keys"), [({"db": "db3"}, 1.0)], "keys")
        equal(m.sum("redis_commands_total", cmd="get"), 3, "calls of GET")
        equal(m.sum("redis_errors_total", err="ERR"), 1, "errors")
        equal(m.of("redis_instance_info")[0][0]["maxmemory_policy"], "allkeys-lru", "what it is")
        check_text(m.text, "abbreviated", "_total")
        server.stop()
        equal(exporter.metrics().sum("redis_up"), 0, "down")
        server.start()
        exporter.await_metrics("up again", lambda m: m.sum("redis_up") == 1)
    with servers.Redis(work, "--requirepass", secret) as server, \
            Exporter(build, work, "redis", f"--redis.addr=redis://:wrong@127.0.0.1:{server.port}") as exporter:
        m = exporter.metrics()
        equal(m.sum("redis_up"), 0, "a wrong password")
        contains(m.of("redis_exporter_last_scrape_error")[0][0]["err"], "WRONGPASS", "why")


def test_redis_that_does_not_answer_costs_no_more_than_the_timeout(build, work):
    with socket.create_server(("127.0.0.1", 0)) as silent, \
            Exporter(build, work, "redis", f"--redis.addr=127.0.0.1:{silent.getsockname()[1]}", "--connection-timeout=300ms") as exporter:
        equal(exporter.metrics().sum("redis_up"), 0, "down")


def test_postgres_is_asked(build, work):
    with servers.Postgres(work, "shared_preload_libraries=pg_stat_statements", "max_connections=20") as server:
        by_parts = {"DATA_SOURCE_URI": server.url.split("@")[1], "DATA_SOURCE_USER": "tester"}
        with Exporter(build, work, "postgres", environment=by_parts) as exporter:
            m = exporter.metrics()
            equal((m.sum("pg_up"), m.sum("pg_scrape_collector_success", collector="stat_statements"), m.sum("pg_exporter_last_scrape_error")),
                  (1, 0, 1), "without the extension the others go on")
        server.run("CREATE EXTENSION pg_stat_statements", "CREATE TABLE things (id int)", "INSERT INTO things SELECT generate_series(1, 50)",
                   "SELECT count(*) FROM things")
        with Exporter(build, work, "postgres", environment={"DATA_SOURCE_NAME": server.url}) as exporter:
            m = exporter.metrics()
            equal(m.sum("pg_up"), 1, "up")
            equal(m.sum("pg_settings_max_connections"), 20, "connections that it allows")
            equal(m.sum("pg_settings_shared_buffers_bytes"), 16 << 20, "a setting with a unit")
            equal(m.sum("pg_stat_activity_count", datname="postgres", state="active") >= 1, True, "its own connection")
            equal(m.of("pg_replication_lag_seconds")[0][1], 0, "a primary is not behind")
            equal(m.sum("pg_stat_statements_calls_total") >= 4, True, "statements")
            equal(sorted(m.of("pg_stat_statements_seconds_total")[0][0]), ["datname", "queryid", "server", "user"], "labels")
            equal(m.sum("pg_database_size_bytes", datname="postgres") > 1 << 20, True, "size")
            exporter.await_metrics("the table's rows", lambda m: m.sum("pg_stat_user_tables_n_tup_ins", relname="things") == 50)
            equal([row for row in m.of("pg_scrape_collector_success") if row[1] != 1], [], "collectors that failed")
            check_text(m.text, "_total", "_count")
            server.stop()
            equal(exporter.metrics().sum("pg_up"), 0, "down")
            server.start()
            exporter.await_metrics("up again", lambda m: m.sum("pg_up") == 1)


def test_statsd_receives_and_names(build, work):
    mapping = ROOT / "packs" / "e2e3d" / "statsd-mapping.yml"
    with Exporter(build, work, "statsd", "--statsd.listen-udp=127.0.0.1:0", "--statsd.listen-tcp=127.0.0.1:0",
                  f"--statsd.listen-unixgram={work}/statsd.sock", f"--statsd.mapping-config={mapping}") as exporter:
        ports = dict(re.findall(r"statsd (udp|tcp) on port (\d+)", exporter.program.text()))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"airflow.ti_successes:1|c\nairflow.dag.carve.meshing.duration:1500|ms\n", ("127.0.0.1", int(ports["udp"])))
        with socket.create_connection(("127.0.0.1", int(ports["tcp"]))) as s:
            s.sendall(b"airflow.ti_failures:2|c\nairflow.dagrun.duration.success.carve:4000|ms\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"other.name:7|g|#host:a", f"{work}/statsd.sock")
        m = exporter.await_metrics("all of it", lambda m: m.sum("airflow_dagrun_duration_success_count", dag_id="carve") == 1
                                   and m.of("other_name") and m.of("airflow_ti_successes"))
        equal((m.sum("airflow_ti_successes"), m.sum("airflow_ti_failures")), (1, 2), "counters")
        equal(m.of("airflow_task_duration_sum"), [({"dag_id": "carve", "task_id": "meshing"}, 1.5)], "milliseconds are seconds")
        equal(m.of("other_name"), [({"host": "a"}, 7.0)], "a name without a rule")
        kind = exporter.get(Accept="application/openmetrics-text")[1]
        contains(kind, "text/plain", "OpenMetrics would rename what Airflow has named")
    equal((work / "statsd.sock").exists(), False, "the socket is removed")
    (work / "wrong.yml").write_text("mappings:\n- {match: a, name: b, what: c}\n")
    for path, status, part in ((mapping, 0, "5 mappings"), (work / "wrong.yml", 1, "wrong.yml:2:"), (work / "none.yml", 1, "none.yml")):
        done = subprocess.run([str(build / "barograph"), "export", "statsd", "--check-config", f"--statsd.mapping-config={path}"],
                              capture_output=True, text=True, timeout=30)
        equal(done.returncode, status, str(path))
        contains(done.stdout + done.stderr, part, str(path))


def test_containers_are_trees_of_processes(build, work):
    (work / "child.py").write_text("import sys, time\nwith open(sys.argv[1], 'wb') as f:\n    f.write(b'x' * (8 << 20))\n    f.flush()\n"
                                   "    import os\n    os.fsync(f.fileno())\nheld = bytearray(32 << 20)\n"
                                   "held[::4096] = b'1' * len(held[::4096])\n"
                                   "end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\nprint('worked', flush=True)\ntime.sleep(600)\n")
    program = Program([sys.executable, str(work / "child.py"), str(work / "file")], work / "child.log")
    try:
        wait_until("it has worked", lambda: "worked" in program.text(), 60)
        with Exporter(build, work, "container", f"--process=job={program.process.pid}", "--no-cgroups") as exporter:
            m = exporter.metrics()
            equal({labels["name"] for labels, _ in m.of("container_processes")}, {"job"}, "this one alone")
            equal(m.sum("container_cpu_usage_seconds_total", name="job") >= 0.5, True, "processor time")
            equal(m.sum("container_memory_working_set_bytes", name="job") >= 32 << 20, True, "memory")
            equal(abs(m.sum("container_start_time_seconds", name="job") - time.time()) < 120, True, "start")
            for name in ("container_last_seen", "container_oom_events_total", "container_fs_writes_bytes_total"):
                equal(len(m.of(name, name="job")), 1, name)
            check_text(m.text, "_total")
            program.stop(signal.SIGKILL)
            equal(exporter.metrics().of("container_processes"), [], "it has ended")
    finally:
        program.stop(signal.SIGKILL)


def test_containers_are_control_groups(build, work):
    """A control group made for the test, with a process of ours in it, named as a container's."""
    base = pathlib.Path("/sys/fs/cgroup")
    unified = (base / "cgroup.controllers").exists()
    name = os.urandom(32).hex()
    places = [base / name] if unified else [base / "memory" / name, base / "cpuacct" / name]
    made = []
    program = Program([sys.executable, "-c", "import time\nheld = bytearray(16 << 20)\nheld[::4096] = b'1' * len(held[::4096])\n"
                       "print('ready', flush=True)\ntime.sleep(600)"], work / "child.log")
    try:
        for place in places:
            try:
                place.mkdir()
                made.append(place)
                (place / "cgroup.procs").write_text(str(program.process.pid))
            except OSError as error:
                raise Skip(f"control groups cannot be made here: {error}") from None
        wait_until("it runs", lambda: "ready" in program.text(), 60)
        with Exporter(build, work, "container") as exporter:
            m = exporter.metrics()
            rows = m.of("container_last_seen", name=name[:12])
            equal([labels["id"] for labels, _ in rows], [f"/{name}"], "the group has the name of a container without a list of them")
            equal(len(m.of("container_cpu_usage_seconds_total", name=name[:12], cpu="total")), 1, "processor time")
            equal(len(m.of("container_last_seen", id="/")), 1, "the root group")
            check_text(m.text, "_total")
    finally:
        program.stop(signal.SIGKILL)
        for place in made:
            wait_until("the group is empty", lambda: (place / "cgroup.procs").read_text() == "", 20)  # noqa: B023
            place.rmdir()


# What NVML's interface looks like to a program; two GPUs, the second of which tells nothing.
NVML = r"""
typedef void *device;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *ret) { *ret = (device)(unsigned long)(i + 1); return 0; }
int nvmlDeviceGetName(device d, char *text, unsigned size) { (void)d; (void)size; text[0] = 'G'; text[1] = 0; return 0; }
int nvmlDeviceGetUUID(device d, char *text, unsigned size) { (void)size; text[0] = 'U'; text[1] = d == (device)1 ? '1' : '2'; text[2] = 0; return 0; }
int nvmlDeviceGetMinorNumber(device d, unsigned *ret) { *ret = d == (device)1 ? 4 : 5; return 0; }
int nvmlDeviceGetUtilizationRates(device d, unsigned *ret) { ret[0] = 37; ret[1] = 5; return d == (device)1 ? 0 : 15; }
int nvmlDeviceGetMemoryInfo(device d, unsigned long long *ret)
{ ret[0] = 8388608; ret[1] = 6291456; ret[2] = 2097152; return d == (device)1 ? 0 : 15; }
int nvmlDeviceGetTemperature(device d, int sensor, unsigned *ret) { *ret = 61; return d == (device)1 && sensor == 0 ? 0 : 15; }
int nvmlDeviceGetPowerUsage(device d, unsigned *ret) { *ret = 250000; return d == (device)1 ? 0 : 15; }
"""


def test_gpus_are_read_by_nvml(build, work):
    (work / "nvml.c").write_text(NVML)
    subprocess.run([need("cc"), "-shared", "-fPIC", "-o", str(work / "libnvidia-ml.so.1"), str(work / "nvml.c")], check=True)
    with Exporter(build, work, "gpu", environment={"LD_LIBRARY_PATH": str(work)}) as gpu:
        m = gpu.metrics()
        labels = {"minor_number": "4", "name": "G", "uuid": "U1"}
        for name, value in (("nvidia_gpu_duty_cycle", 37), ("nvidia_gpu_temperature_celsius", 61), ("nvidia_gpu_memory_used_bytes", 2097152),
                            ("nvidia_gpu_power_usage_milliwatts", 250000)):
            equal(m.of(name), [(labels, float(value))], name)
        labels = {"gpu": "4", "modelName": "G", "UUID": "U1"}
        for name, value in (("DCGM_FI_DEV_GPU_UTIL", 37), ("DCGM_FI_DEV_GPU_TEMP", 61), ("DCGM_FI_DEV_FB_USED", 2), ("DCGM_FI_DEV_FB_FREE", 6),
                            ("DCGM_FI_DEV_POWER_USAGE", 250)):
            equal(m.of(name), [(labels, float(value))], name)
        equal(m.sum("nvidia_gpu_num_devices"), 2, "both are counted")
    if not shutil.which("nvidia-smi"):
        done = subprocess.run([str(build / "barograph"), "export", "gpu"], capture_output=True, text=True, timeout=30)
        equal(done.returncode, 1, "no driver")
        contains(done.stderr, "--simulated", "what to do then")
    with Exporter(build, work, "gpu", "--simulated") as gpu:
        equal(gpu.metrics().of("nvidia_gpu_temperature_celsius")[0][0]["name"], "simulated", "it says so")


def test_exporters_have_passwords_and_health(build, work):
    """One web configuration, as libbaro's server has it (tests/client has TLS), serves every exporter."""
    salted = subprocess.run([need("htpasswd") if shutil.which("htpasswd") else sys.executable, *(["-nbBC", "4", "u", "open"] if shutil.which("htpasswd")
                            else ["-W", "ignore", "-c", "import crypt; print('u:' + crypt.crypt('open', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))"])],
                            capture_output=True, text=True, timeout=30)
    if salted.returncode != 0:
        raise Skip("nothing here makes bcrypt hashes")
    (work / "web.yml").write_text(f"basic_auth_users:\n  u: {salted.stdout.strip().split(':', 1)[1]}\n")
    with Exporter(build, work, "node", f"--web.config.file={work}/web.yml", "--web.telemetry-path=/m") as node:
        equal(node.get("/m")[0], 401, "without a password")
        equal(node.get("/m", Authorization="Basic dTpvcGVu")[0], 200, "with it")
        equal(node.get("/health", Authorization="Basic dTpvcGVu")[0], 200, "health")


def test_wrong_usage_teaches(build, work):
    for arguments, status, part in ((["node", "--nonsense"], 2, "unknown flag"), (["node", "--collector.filesystem.fs-types-exclude=("], 2, "fs-types"),
                                    (["container", "--process=x"], 2, "NAME=PID"), (["container", "--process=x=0"], 2, "NAME=PID"),
                                    (["redis", "--redis.addr=http://x"], 1, "redis://HOST:PORT"), (["redis", "--redis.addr=rediss://x"], 1, "TLS"),
                                    (["postgres", "--uri=nonsense://u:secret@"], 1, "postgresql://"), (["statsd", "--statsd.listen-udp=x"], 2, "HOST:PORT"),
                                    (["node", "--web.listen-address=256.0.0.1:1"], 1, "256.0.0.1"), (["node", "argument"], 2, "usage"),
                                    (["node", "--web.config.file=/nowhere"], 1, "/nowhere")):
        done = subprocess.run([str(build / "barograph"), "export", *arguments], capture_output=True, text=True, timeout=60)
        equal((done.returncode, "secret" in done.stderr), (status, False), f"{arguments}: {done.stderr}")
        contains(done.stderr, part, str(arguments))
    off = subprocess.run([str(build / "barograph"), "export", "node"], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PROMETHEUS_ENABLED": "false"})
    equal(off.returncode, 1, "switched off")
    contains(off.stderr, "PROMETHEUS_ENABLED", "and why")
    for name in ("container", "gpu", "node", "postgres", "redis", "statsd"):
        done = subprocess.run([str(build / "barograph"), "export", name, "--help"], capture_output=True, text=True, timeout=60)
        equal(done.returncode, 0, name)
        contains(done.stdout, "--web.listen-address", name)


if __name__ == "__main__":
    main(globals())
