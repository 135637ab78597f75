#!/usr/bin/env python3
"""A real TLS and HTTP/2 front before the provider, which speaks neither: nginx or nghttpx.

    python3 tests/provider/front.py --to 41234          # the provider's port
    # listening on https://localhost:44321
    # ca /tmp/front-x/ca.pem

What a client makes of ALPN, streams that share a connection, unknown or expired certificates can only be seen
against a server that was not written for it. Needs the openssl command and one of the Debian packages `nginx`
(1.18 or later) or `nghttp2-proxy`; without them it prints a line that begins with "skip" and exits with 77.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KINDS = ("nginx", "nghttpx")
CERTIFICATES = ("good", "expired", "wrong-host")
SKIP_STATUS = 77
START_SECONDS = 60.0

CA_CONFIG = """
[ca]
default_ca = d
[d]
database = index.txt
new_certs_dir = .
rand_serial = yes
policy = p
default_md = sha256
copy_extensions = copy
[p]
commonName = supplied
"""

NGINX_CONFIG = """
daemon off; master_process off; pid "{folder}/pid"; error_log "{folder}/error.log";
events {{ worker_connections 1024; }}
http {{
  log_format line escape=json
    '{{"port":$remote_port,"alpn":"$ssl_alpn_protocol","status":$status,"request":"$request"}}';
  access_log "{folder}/access.log" line;
  client_body_temp_path "{folder}/body"; proxy_temp_path "{folder}/proxy"; client_max_body_size 64m;
  fastcgi_temp_path "{folder}/f"; uwsgi_temp_path "{folder}/u"; scgi_temp_path "{folder}/s";
  keepalive_timeout 1h; keepalive_requests 100000; http2_max_concurrent_streams {streams};
  upstream provider {{ server 127.0.0.1:{to}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} ssl{http2};
    ssl_certificate "{folder}/cert.pem"; ssl_certificate_key "{folder}/key.pem";
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 1h; proxy_send_timeout 1h;
    }}
  }}
}}
"""
# Both log the same fields; the client's port tells connections apart.
NGHTTPX_LOG = '{"port":$remote_port,"alpn":"$alpn","status":$status,"request":"$method $path"}'


LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec little is allowed


class Missing(Exception):
    """What a front needs is not installed."""


def installed() -> list[str]:
    """The kinds that can be started here."""
    if not shutil.which("openssl"):
        return []
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    return [kind for kind in KINDS if shutil.which(kind, path=path)]


class Front:
    """with Front(provider_port) as front: ... front.url, front.ca, front.log()"""

    def __init__(
        self,
        to: int,
        kind: str | None = None,
        port: int = 0,
        http2: bool = True,
        streams: int = 128,
        certificate: str = "good",
    ):
        found = installed()
        if not found or kind and kind not in found:
            raise Missing(f"{kind or 'neither nginx nor nghttpx'} is not installed, or openssl is not")
        self.kind = kind or found[0]
        self._folder = tempfile.TemporaryDirectory(prefix="front-")
        self.folder = Path(self._folder.name)
        self.ca = self.folder / "ca.pem"
        # Held until the front listens, lest another process is given it meanwhile. Both say SO_REUSEADDR: Linux lets
        # them have it while one of them listens, others do not.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", port))
        self.port = self._held.getsockname()[1]
        if sys.platform != "linux":
            self._held.close()
        self.url = f"https://localhost:{self.port}"
        make_certificates(self.folder, certificate)
        command = getattr(self, f"_{self.kind}")(to, http2, streams)
        self._output = (self.folder / "output").open("wb")
        self.process = subprocess.Popen(
            command, stdout=self._output, stderr=self._output, cwd=self.folder, preexec_fn=_die_with_parent
        )

    def _nginx(self, to: int, http2: bool, streams: int) -> list[str]:
        config = NGINX_CONFIG.format(
            folder=self.folder, to=to, port=self.port, streams=streams, http2=" http2" if http2 else ""
        )
        (self.folder / "nginx.conf").write_text(config)
        return [_which("nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "error.log"]

    def _nghttpx(self, to: int, http2: bool, streams: int) -> list[str]:
        return [
            _which("nghttpx"),
            "--conf=/dev/null",
            "--single-process",
            f"--frontend=127.0.0.1,{self.port}",
            f"--backend=127.0.0.1,{to}",
            f"--frontend-http2-max-concurrent-streams={streams}",
            f"--npn-list={'h2,' if http2 else ''}http/1.1",
            f"--accesslog-file={self.folder}/access.log",
            f"--accesslog-format={NGHTTPX_LOG}",
            f"--errorlog-file={self.folder}/error.log",
            "--no-ocsp",
            "--backend-read-timeout=1h",
            "--frontend-http2-read-timeout=1h",
            "--stream-read-timeout=1h",
            str(self.folder / "key.pem"),
            str(self.folder / "cert.pem"),
        ]

    def __enter__(self) -> Front:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self._held.close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.kind} did not start: {self.said}") from None
                time.sleep(0.02)

    def __exit__(self, *ignored: Any) -> None:
        self._held.close()
        self.process.kill()  # a polite end would wait for open streams
        self.process.wait()
        self._output.close()
        errors = self.folder / "error.log"
        self.said = (self.folder / "output").read_text() + (errors.read_text() if errors.exists() else "")
        self._folder.cleanup()

    def log(self, count: int = 0, about: str = "") -> list[dict]:
        """A line per request that has ended and whose target names [about]; waits until there are [count].

        A front writes a line when it notices the end, which may be long after the client has: a test that shares a
        front finds its own lines by name, not by where they stand.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            file = self.folder / "access.log"
            whole = file.read_text().rpartition("\n")[0] if file.exists() else ""  # a line may be half written
            lines = [json.loads(line) for line in whole.splitlines()]
            lines = [line for line in lines if about in line["request"]]
            if len(lines) >= count or time.monotonic() > deadline:
                return lines
            time.sleep(0.02)


def make_certificates(folder: Path, kind: str = "good") -> None:
    """ca.pem, cert.pem and key.pem for localhost, signed by an authority made for this run only."""

    def openssl(*words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr}")

    def stamp(days: int) -> str:
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))

    (folder / "ca.cnf").write_text(CA_CONFIG)
    (folder / "index.txt").write_text("")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests", "-days", "30")
    host = "elsewhere.invalid" if kind == "wrong-host" else "localhost"
    names = f"subjectAltName=DNS:{host}" + (",IP:127.0.0.1" if host == "localhost" else "")
    openssl("req", "-new", *key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", f"/CN={host}", "-addext", names)
    dates = ("-startdate", stamp(-10), "-enddate", stamp(-1 if kind == "expired" else 30))
    sign = ("-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key")
    openssl("ca", *sign, *dates, "-in", "csr.pem", "-out", "cert.pem")


def _which(name: str) -> str:
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin") or name


def _die_with_parent() -> None:
    """No front outlives its test, however that ends (Linux only; elsewhere nothing happens)."""
    try:
        LIBC.prctl(1, signal.SIGKILL)
    except AttributeError:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--to", type=int, required=True, metavar="PORT", help="the provider's port")
    parser.add_argument("--kind", choices=KINDS, help="default: the first that is installed")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--no-http2", action="store_true", help="offer HTTP/1.1 only")
    parser.add_argument("--streams", type=int, default=128, help="HTTP/2 streams per connection")
    parser.add_argument("--certificate", choices=CERTIFICATES, default="good")
    parser.add_argument("--parent", type=int, metavar="PID", help="exit when this process is gone")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        front = Front(
            options.to, options.kind, options.port, not options.no_http2, options.streams, options.certificate
        )
    except Missing as missing:
        print(f"skip: {missing} (Debian: nginx or nghttp2-proxy)")
        return SKIP_STATUS
    with front:
        print(f"listening on {front.url}\nca {front.ca}", flush=True)
        while front.process.poll() is None and (not options.parent or Path(f"/proc/{options.parent}").exists()):
            time.sleep(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
