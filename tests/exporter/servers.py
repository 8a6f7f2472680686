"""Redis and PostgreSQL servers of Debian's packages for tests, on loopback, in a directory of the test, ended by their pids."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from barotest import Program, Skip, free_port, need, wait_until


class Redis:
    """A Redis server in memory."""

    def __init__(self, work, *arguments):
        self.work, self.port = work, free_port()
        self.command = [need("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(work),
                        *arguments]

    def start(self):
        self.program = Program(self.command, self.work / f"redis-{self.port}.log")
        wait_until("redis", self.is_up, 30)

    def is_up(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(7) in (b"+PONG\r\n", b"-NOAUTH")
        return False

    def ask(self, *commands):
        """Runs commands one after another over one connection; the answers as they came."""
        answers = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
            for command in commands:
                s.sendall(command.encode() + b"\r\n")
                answers.append(s.recv(65536))
        return answers

    def stop(self):
        self.program.stop()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Postgres:
    """A PostgreSQL server; it refuses to run as root, so root hands it to the user of Debian's package."""

    def __init__(self, work, *settings, name="postgres"):
        binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries or not (binaries[-1] / "initdb").exists():
            raise Skip("postgresql is not installed")
        self.bin, self.port, self.settings, self.work, self.name = binaries[-1], free_port(), settings, work, name
        self.place = work / name
        self.place.mkdir()
        self.who = {}
        if os.geteuid() == 0:
            work.chmod(0o755)
            shutil.chown(self.place, "postgres")
            self.who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        subprocess.run([str(self.bin / "initdb"), "-D", str(self.place / "data"), "-A", "trust", "-U", "tester", "--no-sync"], check=True,
                       capture_output=True, timeout=120, cwd=self.place, **self.who)
        self.url = f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def start(self):
        settings = ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB", *self.settings]
        log = self.work / f"{self.name}.log"
        log.unlink(missing_ok=True)
        self.program = Program([str(self.bin / "postgres"), "-D", str(self.place / "data"), "-p", str(self.port), "-k", str(self.place),
                                *[word for setting in settings for word in ("-c", setting)]], log, cwd=self.place, **self.who)
        wait_until("postgresql", lambda: "ready to accept connections" in self.program.text(), 60)

    def run(self, *statements):
        for statement in statements:
            subprocess.run([str(self.bin / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url], check=True, capture_output=True,
                           timeout=60, cwd=self.place, **self.who)

    def stop(self):
        self.program.stop(signal.SIGINT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
