"""TLS and HTTP/2 through a real front (nginx or nghttpx): one connection for many calls, certificates, plain words.

Skipped where neither nginx nor nghttpx is installed (tests/provider/front.py).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "provider"))

from front import CERTIFICATES, Front  # noqa: E402
from harness import KEY, Scratch, done, ok  # noqa: E402
from t_money import attempts, log  # noqa: E402
from t_storm import make, reply, tasks_text  # noqa: E402

COUNT = 24


class Case:
    def __init__(self, scratch: Scratch, url: str | None = None) -> None:
        self.scratch, self.root = scratch, scratch.path / "w"
        make(self.root, COUNT)
        self.provider = scratch.provider(
            [{"match": {"contains": f"m{i:04}.py: negate"}, "reply": {"text": reply(i)}} for i in range(COUNT)],
            "--latency-ms", "60", config={"parallel": 12})
        self.plan = scratch.path / "plan.md"
        self.plan.write_text("---\ntitle: negate\n---\n" + tasks_text(COUNT))
        for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "no_proxy", "SSL_CERT_FILE",
                     "CURL_CA_BUNDLE", "SSL_CERT_DIR", "ALL_PROXY", "all_proxy"):
            scratch.env.pop(name, None)

    def configure(self, url: str, **provider) -> None:
        self.scratch.configure(url, {"providers": {"anthropic": {
            "base_url": url, "key": {"env": "ANTHROPIC_API_KEY"}, "limit": 12, **provider}}, "parallel": 12})

    def run(self, **env):
        return self.scratch.run("run", str(self.plan), "--yes", "--no-verify", cwd=self.root, env=env)

    def sent(self) -> int:
        return len(log(self.provider, "arrived"))


def one_connection(kind: str) -> None:
    with Scratch() as scratch:
        case = Case(scratch)
        with Front(case.provider.port, kind=kind) as front:
            case.configure(front.url)
            for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
                ran = case.run(**{name: str(front.ca)})
                ok(ran.returncode == 0, f"{kind}: through TLS with {name}", ran.stdout, ran.stderr)
                case.plan.write_text(case.plan.read_text().replace("title: negate", "title: negate them"))
                scratch.run("prune", "--older-than", "0", cwd=case.root)
            lines = front.log()
        ports = {line["port"] for line in lines}
        ok(len(lines) >= COUNT and {line["alpn"] for line in lines} == {"h2"}, f"{kind}: HTTP/2 is spoken ({len(lines)} requests)", lines[:3])
        ok(len(ports) <= 2, f"{kind}: a process needs one connection for all its calls ({len(ports)} in two runs)", ports)


def not_trusted(kind: str) -> None:
    with Scratch() as scratch:
        case = Case(scratch)
        for certificate in CERTIFICATES:
            with Front(case.provider.port, kind=kind, certificate=certificate) as front:
                case.configure(front.url)
                env = {} if certificate == "good" else {"SSL_CERT_FILE": str(front.ca)}
                ran = case.run(**env)
            last = ran.stderr.strip().splitlines()[-1]
            ok(ran.returncode == 4, f"{certificate}: exit status {ran.returncode}", ran.stderr)
            words = {"good": "SSL_CERT_FILE", "expired": "expired", "wrong-host": "localhost"}[certificate]
            ok("certificate" in ran.stderr and words in ran.stderr, f"{certificate}: said in plain words: {last}", ran.stderr)
            ok("waits" not in ran.stderr, f"{certificate}: not tried again and again", ran.stderr)
            ok("error:0" not in ran.stderr and "SSL routines" not in ran.stderr, f"{certificate}: without the library's own", ran.stderr)
            ok(KEY not in ran.stderr + ran.stdout, f"{certificate}: the key is not said")
        ok(case.sent() == 0, f"not trusted: nothing was sent ({case.sent()})")
        ok(attempts(scratch, "select coalesce(sum(max(cost, 0)), 0), count(*) filter (where cost < 0 and sent) from attempt") == [(0, 0)],
           "not trusted: nothing is billed, nor counted as perhaps paid", attempts(scratch, "select cost, sent, error from attempt"))


def plain_http() -> None:
    """Plain HTTP goes to this machine only, unless allowed."""
    with Scratch() as scratch:
        case = Case(scratch)
        case.configure("http://192.0.2.1:9")
        ran = case.run()
        ok(ran.returncode == 2 and "allow_http" in ran.stderr, "plain http to elsewhere is refused, with the way out", ran.stderr)
        ok(case.run().returncode != 0, "and stays refused")


def proxy() -> None:
    """HTTPS_PROXY is used for other hosts, NO_PROXY and this machine go past it."""
    with Scratch() as scratch:
        case = Case(scratch)
        dead = "http://127.0.0.1:1"
        case.configure("https://models.invalid")
        ran = case.run(HTTPS_PROXY=dead)
        ok(ran.returncode == 4 and "with the proxy of HTTPS_PROXY" in ran.stderr and dead not in ran.stderr, "where a proxy is in the way it is named, not shown", ran.stderr)
        with Front(case.provider.port) as front:
            case.configure(front.url)
            ran = case.run(HTTPS_PROXY=dead, SSL_CERT_FILE=str(front.ca))
        ok(ran.returncode == 0, "this machine needs no proxy", ran.stderr)


def available() -> list[str]:
    kinds = []
    for kind in ("nginx", "nghttpx"):
        try:
            with Front(1, kind=kind):
                kinds.append(kind)
        except Exception as missing:
            print(f"# {kind}: {missing}")
    return kinds


if __name__ == "__main__":
    kinds = available()
    for kind in kinds:
        one_connection(kind)
    if kinds:
        not_trusted(kinds[0])
        proxy()
    else:
        print("# skip: neither nginx nor nghttpx (with openssl) is here")
    plain_http()
    done()
