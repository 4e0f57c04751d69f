"""Says of the register tiles in assembly, read from standard input, how many there are and which keep vectors on the stack.

A register tile is an innermost loop in which a third or more of the instructions, and at least eight, multiply and add. In a
polynomial, where fewer than half do, arithmetic may take an operand that no step changes from the stack (a row's maximum, with
16 registers), but nothing is moved there or back.
"""

import re
import sys

LABEL = re.compile(r"^(\.L\w+):")
JUMP = re.compile(r"^\s+(?:j\w+|b\.?\w*|cbn?z\s+\w+,|tbn?z\s.*,)\s*(\.L\w+)")
SUM = re.compile(r"^\s+(?:vfn?m(?:add|sub)\d+[ps]s|fml[as]|vdpbf16ps|bfdot)\b")
MOVE = re.compile(r"^\s+(?:v?mov|v?broadcast|ldr|ldp|str|stp|ldur|stur)")
STACK = re.compile(r"\(%rsp.*%[xyz]mm|%[xyz]mm.*\(%rsp|\b[qvd]\d+\b.*\[(?:sp|x29)\b")


def loops(lines):
    """The lines of each innermost loop."""
    begins, found = {}, []
    for number, line in enumerate(lines):
        if match := LABEL.match(line):
            begins[match.group(1)] = number
        elif (match := JUMP.match(line)) and match.group(1) in begins:
            found.append((begins[match.group(1)], number))
    for begin, end in found:
        if not any(begin <= b and e <= end and (b, e) != (begin, end) for b, e in found):
            yield [line for line in lines[begin:end + 1] if re.match(r"\s+[a-z]", line)]


sums = []
for loop in loops(sys.stdin.read().split("\n")):
    count = sum(bool(SUM.match(line)) for line in loop)
    if count >= 8 and 3 * count >= len(loop):
        sums.append(count)
        for line in loop:
            if STACK.search(line) and (2 * count >= len(loop) or MOVE.match(line)):
                print(f"in a loop of {count} multiply-adds:{line}")
print(f"{len(sums)} register tiles, the largest of {max(sums, default=0)} multiply-adds")
