"""Adds up what lit and CTest wrote: `summary.py BUILD` prints 'N passed, N failed'.

Exits with 1 when a test failed, when none ran, or when a result is missing.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree


def litResults(path):
    """Returns (passed, failed, skipped, names of the skipped)."""
    passed, failed, skipped = 0, 0, []
    for test in json.loads(path.read_text())["tests"]:
        if test["code"] == "XFAIL":
            print(f"fails as expected: {test['name']}")
        elif test["code"] in ("PASS", "FLAKYPASS"):
            passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            skipped.append(test["name"])
        else:
            failed += 1
    return passed, failed, skipped


def ctestResults(path):
    """Returns (passed, failed, names of the skipped)."""
    passed, failed, skipped = 0, 0, []
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if case.get("status") == "run":
            passed += 1
        elif case.get("status") in ("notrun", "disabled"):
            skipped.append(case.get("name"))
        else:
            failed += 1
    return passed, failed, skipped


def main():
    build = pathlib.Path(sys.argv[1])
    passed, failed, skipped = 0, 0, []
    for path, read in (
        (build / "ctest-results.xml", ctestResults),
        (build / "lit-results.json", litResults),
    ):
        if not path.exists():
            print(f"{path} was not written")
            failed += 1
            continue
        results = read(path)
        passed, failed = passed + results[0], failed + results[1]
        skipped += results[2]
    for name in skipped:
        print(f"skipped on this machine: {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
