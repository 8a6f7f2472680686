#!/usr/bin/env python3
"""The rows of bench_client.c for other clients: Debian's client_golang (golang-github-prometheus-client-golang-dev, and a go) and
prometheus-cpp (prometheus-cpp-dev), where they are installed; else figures that were measured before on this kind of machine.

Usage: bench/bench_client_peers.py
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

GOPATH = "/usr/share/gocode"

GO = """package main

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func row(name string, f func(b *testing.B)) {
	best := 1e18
	for i := 0; i < 3; i++ {
		r := testing.Benchmark(f)
		if ns := float64(r.T.Nanoseconds()) / float64(r.N); ns < best {
			best = ns
		}
	}
	fmt.Printf("%-56s %12.1f ns/op\\n", "client_golang: "+name, best)
}

func main() {
	values := make([]float64, 1024)
	state := uint32(1)
	for i := range values {
		state = state*1664525 + 1013904223
		scale := 0.05
		if i%10 == 0 {
			scale = 3
		}
		values[i] = float64(state>>16) / 65536 * scale
	}
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "c"})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "g"})
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"method", "status"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h"})
	n := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "n", NativeHistogramBucketFactor: 1.09, NativeHistogramMaxBucketNumber: 160})
	row("counter inc", func(b *testing.B) { for i := 0; i < b.N; i++ { c.Inc() } })
	row("counter inc, all cores on one series", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) { for p.Next() { c.Inc() } })
	})
	row("gauge set", func(b *testing.B) { for i := 0; i < b.N; i++ { g.Set(float64(i)) } })
	row("lookup by two label values", func(b *testing.B) { for i := 0; i < b.N; i++ { v.WithLabelValues("GET", "200") } })
	row("classic histogram observe, 11 buckets", func(b *testing.B) { for i := 0; i < b.N; i++ { h.Observe(values[i&1023]) } })
	row("native histogram observe, factor 1.09", func(b *testing.B) { for i := 0; i < b.N; i++ { n.Observe(values[i&1023]) } })
	r := prometheus.NewRegistry()
	r.MustRegister(v)
	for i := 0; i < 10000; i++ {
		v.WithLabelValues("GET", strconv.Itoa(i)).Add(float64(i) * 7919)
	}
	var size int
	f := func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			var out bytes.Buffer
			families, _ := r.Gather()
			for _, family := range families {
				expfmt.MetricFamilyToText(&out, family)
			}
			size = out.Len()
		}
	}
	result := testing.Benchmark(f)
	ns := float64(result.T.Nanoseconds()) / float64(result.N)
	fmt.Printf("%-56s %12.1f ns/op %10.0f MB/s\\n", "client_golang: render 10k counters, text", ns/10001, float64(size)/ns*1000)
}
"""

CPP = """#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

template <class F> double best(F f, long n)
{
    double least = 1e18;
    for (int round = 0; round < 5; round++) {
        auto begin = std::chrono::steady_clock::now();
        for (long i = 0; i < n; i++) {
            f(i);
        }
        double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / n;
        least = ns < least ? ns : least;
    }
    return least;
}

static void row(const char *name, double ns)
{
    std::printf("%-56s %12.1f ns/op\\n", (std::string("prometheus-cpp: ") + name).c_str(), ns);
}

int main()
{
    prometheus::Registry registry;
    std::vector<double> values(1024);
    unsigned state = 1;
    for (int i = 0; i < 1024; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = (state >> 16) / 65536.0 * (i % 10 == 0 ? 3 : 0.05);
    }
    auto &counters = prometheus::BuildCounter().Name("requests_total").Register(registry);
    auto &counter = counters.Add({{"method", "GET"}, {"status", "200"}});
    auto &gauge = prometheus::BuildGauge().Name("g").Register(registry).Add({});
    auto &histogram = prometheus::BuildHistogram().Name("h").Register(registry).Add(
        {}, prometheus::Histogram::BucketBoundaries{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
    row("counter inc", best([&](long) { counter.Increment(); }, 5000000));
    row("gauge set", best([&](long i) { gauge.Set(i); }, 5000000));
    row("lookup by two label values", best([&](long) { counters.Add({{"method", "GET"}, {"status", "200"}}); }, 200000));
    row("classic histogram observe, 11 buckets", best([&](long i) { histogram.Observe(values[i & 1023]); }, 2000000));
    for (int i = 0; i < 10000; i++) {
        counters.Add({{"method", "GET"}, {"status", std::to_string(i)}}).Increment(i * 7919.0);
    }
    size_t size = 0;
    double ns = best([&](long) { size = prometheus::TextSerializer().Serialize(registry.Collect()).size(); }, 5);
    std::printf("%-56s %12.1f ns/op %10.0f MB/s\\n", "prometheus-cpp: render 10k counters, text", ns / 10001, size / ns * 1000);
}
"""

# Measured before on an EPYC with 2 cores: the Rust crate prometheus-client, and prometheus-client-c.
QUOTED = """Rust prometheus-client (quoted): counter 1.9 ns, lookup 19 ns, histogram 8.9 ns, render 51 MB/s
prometheus-client-c (quoted): counter 80 ns, lookup 384 ns, histogram 1542 ns"""


def go_rows(work: pathlib.Path) -> None:
    go = shutil.which("go")
    if not go or not os.path.isdir(f"{GOPATH}/src/github.com/prometheus/client_golang"):
        print("client_golang: not installed; quoted: counter 2.1 ns, lookup 100 ns, histogram 17 ns")
        return
    (work / "main.go").write_text(GO)
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": GOPATH, "GOFLAGS": "", "GOCACHE": str(work / "cache"), "CGO_ENABLED": "0"}
    done = subprocess.run([go, "build", "-o", str(work / "peer"), str(work / "main.go")], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"client_golang: does not build here: {done.stderr.strip().splitlines()[:1]}")
        return
    subprocess.run([str(work / "peer")], check=True)


def cpp_rows(work: pathlib.Path) -> None:
    if not os.path.exists("/usr/include/prometheus/counter.h"):
        print("prometheus-cpp: not installed (its package excludes libcurl4-gnutls-dev, which the build needs); quoted, 1.0.1 on an EPYC with 2 cores: "
              "counter 12.9 ns, gauge 5.5 ns, lookup 386 ns, histogram 32.9 ns, render 29 MB/s")
        return
    (work / "peer.cc").write_text(CPP)
    subprocess.run(["g++", "-std=c++17", "-O2", str(work / "peer.cc"), "-o", str(work / "peer-cpp"), "-lprometheus-cpp-core", "-pthread"],
                   check=True)
    subprocess.run([str(work / "peer-cpp")], check=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barograph-bench-") as directory:
        go_rows(pathlib.Path(directory))
        cpp_rows(pathlib.Path(directory))
    print(QUOTED)


if __name__ == "__main__":
    main()
