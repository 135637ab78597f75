#!/usr/bin/env python3
"""The provider's own tests. Directly: python3 test_provider.py [-v] [NAME...]; or by python3 -m unittest.

Prints "N passed, N failed" last. The cases are in cases/, by subject; NAME picks those whose id holds it.
They spend their time waiting for a provider to start, so some run side by side.
"""

from __future__ import annotations

import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import (  # noqa: E402
    batch_cases,
    compat_cases,
    dialect_cases,
    fault_cases,
    front_cases,
    gemini_cases,
    http_cases,
    ollama_cases,
    responses_cases,
    script_cases,
)

MODULES = (
    fault_cases,
    script_cases,
    http_cases,
    dialect_cases,
    responses_cases,
    gemini_cases,
    ollama_cases,
    batch_cases,
    compat_cases,
    front_cases,
)
SIDE_BY_SIDE = 6


def load_tests(
    loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None
) -> unittest.TestSuite:
    return unittest.TestSuite(loader.loadTestsFromModule(module) for module in MODULES)


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def groups(wanted: list[str]) -> list[list[unittest.TestCase]]:
    """What may run side by side: single tests, or a class that shares one provider."""
    shared: dict[type, list[unittest.TestCase]] = {}
    found: list[list[unittest.TestCase]] = []
    for test in flat(load_tests(unittest.defaultTestLoader, unittest.TestSuite(), None)):
        if wanted and not any(name in test.id() for name in wanted):
            continue
        if "setUpClass" not in vars(type(test)):
            found.append([test])
        elif type(test) in shared:
            shared[type(test)].append(test)
        else:
            found.append(shared.setdefault(type(test), [test]))
    return found


def run(group: list[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.TestSuite(group).run(result)
    return result


def main() -> int:
    verbose, wanted = "-v" in sys.argv, [word for word in sys.argv[1:] if not word.startswith("-")]
    ran, failed, skipped = set(), set(), {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        work = groups(wanted)
        for group, result in zip(work, pool.map(run, work)):
            for test, text in result.failures + result.errors:
                name = getattr(test, "test_case", test).id()
                failed.update([name] if name in {one.id() for one in group} else (one.id() for one in group))
                print(f"not ok {name}\n{text}")
            skipped.update({test.id(): why for test, why in result.skipped})
            ran.update(test.id() for test in group)
            if verbose:
                print("\n".join(test.id() for test in group), flush=True)
    for name, why in skipped.items():
        print(f"skipped {name}: {why}")
    note = f", {len(skipped)} skipped" if skipped else ""
    print(f"{len(ran - failed - set(skipped))} passed, {len(failed)} failed{note}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
