"""Which regular expressions of a form may be used: those that cannot take exponential time (ReDoS).

A backtracking matcher needs exponential time where a part that can match in several ways is itself repeated, as in ``(a+)+`` or
``(a|a)*``, and a power of the text's length for each further unbounded repetition. Such patterns are refused by their form,
which also refuses a few that would be harmless; these can be written otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LENGTH = 300
MAX_UNBOUNDED = 2
MAX_REPEAT = 1000
FEW = 4
_TOKEN = re.compile(
    r"(?P<escape>\\(?:[1-9]|k<|.))|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?(?::|P<\w+>|=|!|<=|<!))?)|(?P<close>\))"
    r"|(?P<or>\|)|(?P<times>[*+?]\??|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\}\??)|(?P<literal>.)",
    re.DOTALL,
)


@dataclass
class _Group:
    """What has been read of a group. ``starts``: the first token of each alternative."""

    varies: bool = False
    endless: bool = False
    starts: list[str] = field(default_factory=lambda: [""])

    @property
    def ambiguous(self) -> bool:
        """Whether it may match one text in several ways."""
        several = len(self.starts) > 1
        plain = all(len(start) == 1 and start not in ".^$" for start in self.starts)
        return self.varies or (several and not (plain and len(set(self.starts)) == len(self.starts)))

    def note_start(self, text: str) -> None:
        """Note the first token of the alternative that is being read."""
        self.starts[-1] = self.starts[-1] or text


def pattern_fault(pattern: str) -> str | None:
    """Why ``pattern``, which compiles, may not be used, in Chinese and English; None if it may."""
    if len(pattern) > MAX_LENGTH:
        return f"正则表达式超过{MAX_LENGTH}个字符 / the pattern is longer than {MAX_LENGTH} characters"
    reading = _Reading()
    for token in _TOKEN.finditer(pattern):
        fault = reading.take(token)
        if fault:
            return fault
    if reading.unbounded > MAX_UNBOUNDED:
        return f"不限次数的重复超过{MAX_UNBOUNDED}处 / more than {MAX_UNBOUNDED} unbounded repetitions"
    return None


class _Reading:
    """A pattern read from left to right: the open groups, and what a repetition would repeat."""

    def __init__(self) -> None:
        self.unbounded = 0
        self._open = [_Group()]
        self._last = _Group()

    def take(self, token: re.Match[str]) -> str | None:
        """Read one more token; why the pattern may not be used, if that is so."""
        kind, text = token.lastgroup, token.group()
        if token["times"]:
            return self._repeat(*_bounds(token))
        if kind == "escape" and (text[1].isdigit() or text[1] == "k"):
            return "不得使用反向引用 / a pattern must not refer back"
        if kind == "close" and len(self._open) > 1:
            self._last = self._open.pop()
            self._open[-1].varies |= self._last.ambiguous
            self._open[-1].endless |= self._last.endless
        elif kind == "or":
            self._open[-1].starts.append("")
        else:
            self._open[-1].note_start(text)
            self._last = _Group()
            if kind == "open":
                self._open.append(_Group())
        return None

    def _repeat(self, low: int, high: int | None) -> str | None:
        varies, repeated = low != high, self._last
        self.unbounded += high is None
        self._last = _Group(varies=varies or repeated.ambiguous, endless=high is None or repeated.endless)
        self._open[-1].varies |= varies
        self._open[-1].endless |= high is None
        if high is not None and high > MAX_REPEAT:
            return f"重复次数超过{MAX_REPEAT} / repeated more than {MAX_REPEAT} times"
        few = high is not None and high <= (1 if repeated.endless else FEW)
        if repeated.ambiguous and not few:
            return "重复的部分自身又可变长，匹配可能极慢 / what is repeated varies by itself, which may take for ever"
        return None


def _bounds(token: re.Match[str]) -> tuple[int, int | None]:
    text = token["times"]
    if text[0] in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text[0]]
    low = int(token["low"] or 0)
    if not token["comma"]:
        return low, low
    return low, int(token["high"]) if token["high"] else None
