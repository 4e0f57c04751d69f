"""The format of our tests; apart from lit.cfg.py because lit's workers import it."""

import re

import lit.formats


def wantsSlow(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return re.search(r"REQUIRES:.*\bslow\b", file.read(2000)) is not None


class FoveaTest(lit.formats.ShTest):
    """lit's shell tests, where everything but the slow ones can be left out."""

    def __init__(self, slow_only):
        super().__init__(execute_external=False)
        self.slow_only = slow_only

    def getTestsInDirectory(self, *arguments):
        for test in super().getTestsInDirectory(*arguments):
            if not self.slow_only or wantsSlow(test.getSourcePath()):
                yield test
