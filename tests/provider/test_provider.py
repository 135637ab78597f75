#!/usr/bin/env python3
"""The provider's own tests. Directly: python3 test_provider.py [-v]; or by python3 -m unittest.

Prints "N passed, N failed" last. The cases are in cases/, by subject.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import (  # noqa: E402
    batch_cases,
    dialect_cases,
    fault_cases,
    gemini_cases,
    http_cases,
    ollama_cases,
    responses_cases,
    script_cases,
)

MODULES = (http_cases, dialect_cases, responses_cases, gemini_cases, ollama_cases, batch_cases, script_cases, fault_cases)


def load_tests(
    loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None
) -> unittest.TestSuite:
    return unittest.TestSuite(loader.loadTestsFromModule(module) for module in MODULES)


def main() -> int:
    suite = load_tests(unittest.defaultTestLoader, unittest.TestSuite(), None)
    result = unittest.TextTestRunner(verbosity=2 if "-v" in sys.argv else 1).run(suite)
    failed = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped = len(result.skipped)
    note = f", {skipped} skipped" if skipped else ""
    print(f"{result.testsRun - len(failed) - skipped} passed, {len(failed)} failed{note}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
