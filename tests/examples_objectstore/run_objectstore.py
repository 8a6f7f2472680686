#!/usr/bin/env python3
"""The object store: what S3 clients do with it, and what it tells under MinIO's names.

Usage: tests/examples_objectstore/run_objectstore.py BUILD [NAME...]
"""

import hashlib
import hmac
import json
import pathlib
import re
import secrets
import subprocess
import sys
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "examples_common")]
from barotest import contains, equal, main, need, wait_until  # noqa: E402
import exampletest as ex  # noqa: E402

PROGRAM = "objectstore/objectstore"
CLUSTER, BUCKET = "/minio/v2/metrics/cluster", "/minio/v2/metrics/bucket"
KEY = "tester"


def signed(service, secret, method, path, body=b"", query=(), shift_s=0):
    """A request signed by the published algorithm, written here from its description."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + shift_s))
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": f"127.0.0.1:{service.port}", "x-amz-content-sha256": digest, "x-amz-date": now}
    encoded = "&".join(f"{urllib.parse.quote(k, safe='-._~')}={urllib.parse.quote(v, safe='-._~')}" for k, v in sorted(query))
    canonical = "\n".join([method, urllib.parse.quote(path), encoded, *(f"{k}:{v}" for k, v in headers.items()), "", ";".join(headers), digest])
    scope = f"{now[:8]}/eu-test-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (now[:8], "eu-test-1", "s3", "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={';'.join(k for k in headers if k != 'Authorization')},Signature={key.hex()}"
    status, _, answer = service.call(method, path + ("?" + encoded if encoded else ""), body or None, headers)
    return status, answer


def test_buckets_objects_and_their_figures(build, work):
    with ex.Service(build, work, PROGRAM, "--data=objects", "--buckets=photos,results") as store:
        equal(store.call("PUT", "/photos/a/b.bin", b"x" * 1000)[0], 200)
        equal(store.call("PUT", "/photos/c.bin", b"y" * 24)[0], 200)
        equal(store.call("GET", "/photos/a/b.bin")[2], b"x" * 1000)
        equal(store.call("HEAD", "/photos/a/b.bin")[0], 200)
        equal(store.call("GET", "/photos/none")[0], 404)
        equal(store.call("PUT", "/nobody/a", b"")[0], 404, "no such bucket")
        equal((store.call("PUT", "/more-things")[0], store.call("PUT", "/more-things")[0], store.call("PUT", "/X")[0]), (200, 409, 400), "buckets")
        equal(re.findall(rb"<Name>([^<]+)", store.call("GET", "/")[2]), [b"photos", b"results", b"more-things"])
        equal(re.findall(rb"<Key>([^<]+)", store.call("GET", "/photos?list-type=2")[2]), [b"a/b.bin", b"c.bin"])
        first = store.call("GET", "/photos?list-type=2&max-keys=1")[2]
        equal(re.findall(rb"<Key>([^<]+)", first), [b"a/b.bin"])
        token = re.findall(rb"<NextContinuationToken>([^<]+)", first)[0].decode()
        equal(re.findall(rb"<Key>([^<]+)", store.call("GET", f"/photos?list-type=2&continuation-token={token}")[2]), [b"c.bin"])
        for path in ("/photos/../../etc/passwd", "/photos/%2e%2e/x", "/photos//x"):
            equal(store.call("PUT", path, b"x")[0] in (400, 404), True, path)
        equal(store.call("GET", "/minio/health/live")[0], 200)
        m = store.metrics(BUCKET)
        equal((m.sum("minio_bucket_usage_total_bytes", bucket="photos"), m.sum("minio_bucket_usage_object_total", bucket="photos")), (1024, 2))
        equal((m.sum("minio_bucket_usage_total_bytes", bucket="results"), m.sum("minio_bucket_usage_object_total", bucket="results")), (0, 0))
        equal(sorted(m.of("minio_bucket_usage_total_bytes")[0][0]), ["bucket", "server"], "MinIO's labels")
        m = store.metrics(CLUSTER)
        equal((m.sum("minio_s3_requests_total", api="getobject"), m.sum("minio_s3_requests_total", api="headobject")), (2, 1))
        equal(m.sum("minio_s3_requests_total", api="listobjectsv2"), 3)
        equal(m.sum("minio_s3_requests_errors_total", api="getobject"), 1)
        equal(m.sum("minio_cluster_usage_total_bytes"), 1024)
        equal(sorted(m.of("minio_s3_requests_total")[0][0]), ["api", "server", "type"], "MinIO's labels")
        equal(m.sum("minio_s3_traffic_received_bytes") >= 1024, True)
        equal(store.call("DELETE", "/photos/c.bin")[0], 204)
        equal(store.call("DELETE", "/photos/c.bin")[0], 204, "again: no error in S3")
        equal(store.metrics(BUCKET).sum("minio_bucket_usage_object_total", bucket="photos"), 1)
        done = subprocess.run([need("promtool"), "check", "metrics"], input=m.text.encode(), capture_output=True, timeout=60)
        equal([line for line in done.stderr.decode().splitlines() if '"_total" suffix' not in line], [], "promtool")
    with ex.Service(build, work, PROGRAM, "--data=objects") as store:
        equal(store.metrics(BUCKET).sum("minio_bucket_usage_total_bytes", bucket="photos"), 1000, "after a restart")


def test_signatures_are_checked_where_there_are_keys(build, work):
    secret = secrets.token_urlsafe(24)
    with ex.Service(build, work, PROGRAM, "--buckets=photos", environment={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret}) as store:
        equal(signed(store, secret, "PUT", "/photos/a", b"hello")[0], 200)
        equal(signed(store, secret, "GET", "/photos/a"), (200, b"hello"))
        equal(signed(store, secret, "GET", "/photos", query=[("list-type", "2"), ("prefix", "a/b c")])[0], 200, "a query")
        equal(store.call("GET", "/photos/a")[0], 403, "without a signature")
        equal(signed(store, "wrong", "GET", "/photos/a")[0], 403, "another secret")
        equal(signed(store, secret, "GET", "/photos/a", shift_s=-3600)[0], 403, "of an hour ago")
        equal(store.metrics(CLUSTER).sum("minio_s3_requests_errors_total", api="getobject"), 3)


def test_the_reconstruction_keeps_its_objects_there(build, work):
    """A whole job over S3, and the figures that storage.json draws."""
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(24)}
    with ex.Service(build, work, PROGRAM, "--buckets=photos", environment=keys) as store, \
            ex.Service(build, work, "reconstruction/reconstruction", f"--objects=s3+http://127.0.0.1:{store.port}/photos", environment=keys) as api:
        job = api.post("/api/job", {"synthetic": {"shape": "sphere", "views": 6}, "resolution": 16})[1]
        ended = {}

        def is_done():
            ended.update(api.get(f"/api/job/{job['job_id']}")[1])
            return ended["state"] in ("done", "failed")
        wait_until("the job", is_done, 60, 0.1)
        equal(ended["state"], "done", json.dumps(ended))
        equal(api.get("/api/health")[1]["components"]["minio"], "healthy")
        equal(store.metrics(BUCKET).sum("minio_bucket_usage_object_total", bucket="photos") >= 4, True, "objects")
        m = store.metrics(CLUSTER)
        equal((m.sum("minio_s3_requests_total", api="putobject") >= 4, m.sum("minio_s3_requests_errors_total", api="putobject")), (True, 0), "puts")


def test_wrong_usage_teaches(build, work):
    done = subprocess.run([str(build / "examples" / PROGRAM), "--listen=127.0.0.1:0", "--data=/proc/none"], capture_output=True, text=True, timeout=30)
    equal(done.returncode in (1, 2), True, done.stderr)
    contains(done.stderr, "--data=/proc/none", "where")
    done = subprocess.run([str(build / "examples" / PROGRAM), "--listen=127.0.0.1:0"], capture_output=True, text=True, timeout=30, cwd=work,
                          env={"AWS_ACCESS_KEY_ID": "x"})
    equal(done.returncode in (1, 2), True, done.stderr)
    contains(done.stderr, "AWS_SECRET_ACCESS_KEY", "both or none")


if __name__ == "__main__":
    main(globals())
