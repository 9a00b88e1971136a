"""From text to a formula: a whitelist over Python's grammar; nothing is ever evaluated as code.

Before Python's parser sees a text its characters, length and brackets are checked, so that what is
left to refuse is what the grammar of formulas does not have.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NoReturn

from deltarule.formula.expression import Expression, constant, make, name, substitute
from deltarule.formula.operations import CONSTANTS, INTERNAL, MACROS, OPERATIONS, SPELLINGS

MAX_LENGTH = 4096  # characters
MAX_DEPTH = 64
MAX_NODES = 512
MAX_BRACKETS = 100  # nested; a formula of MAX_DEPTH needs fewer

_ALLOWED = re.compile(r"[A-Za-z0-9_ \t\r\n.,+\-*/()<>=!]")
_GLUED = re.compile(r"(?<![A-Za-z0-9_.])[0-9.]++(?:[eE][+-]?[0-9]+)?+[A-Za-z_]")
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.And: "logical_and",
    ast.Or: "logical_or",
}
FUNCTIONS = frozenset({*OPERATIONS, *SPELLINGS, *MACROS})
PUBLIC = tuple(sorted(FUNCTIONS - INTERNAL))
_RESERVED = FUNCTIONS | CONSTANTS.keys()


class FormulaError(ValueError):
    """A text or a function that is not a formula; the message shows the place.

    Attributes
    ----------
    sentence : str
        What was met, what it means, what to do.
    """

    def __init__(self, sentence: str, text: str = "", start: int = 0, length: int = 0) -> None:
        self.sentence = sentence
        super().__init__(f"{sentence}{_pointer(text, start, length)}")


def _pointer(text: str, start: int, length: int) -> str:
    """The part of the text around the place, underlined."""
    if not text or not length:
        return ""
    first = max(0, start - 40)
    shown = re.sub(r"[^ -~]", "?", text[first : start + 60])
    carets = "^" * max(1, min(length, len(shown) - (start - first)))
    return f"\n    {shown}\n    {' ' * (start - first)}{carets}"


def parse(text: str, names: Collection[str] = ("x",)) -> Expression:
    """The formula a text means.

    Parameters
    ----------
    text : str
        An expression of numbers, the names, ``+ - * / **``, comparisons, ``and``, ``or``,
        ``not``, ``a if condition else b`` and the functions of `FUNCTIONS`; at most 4096
        characters, 512 operations and operands, 64 levels deep.
    names : collection of str, default=("x",)
        The variables and parameters the text may read.

    Returns
    -------
    Expression
        The formula as written; nothing is simplified.

    Raises
    ------
    FormulaError
        If the text is anything else; the message shows the place.
    TypeError
        If it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"A formula is text such as 'x * tanh(x)'; met {type(text).__name__}.")
    _check_characters(text)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        _refuse_syntax(text, error)
    except (MemoryError, RecursionError, ValueError):
        raise FormulaError(f"The formula is nested deeper than {MAX_DEPTH} levels.") from None
    return _Reader(text.strip(), frozenset(names)).read(tree.body)


def check_name(given: str, what: str = "parameter") -> None:
    """Raise FormulaError for a name that formulas cannot read."""
    if not isinstance(given, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", given):
        raise FormulaError(
            f"The name of a {what} is a letter followed by letters, digits or underscores; "
            f"met {given!r}."
        )
    if given in _RESERVED or given in {"and", "or", "not", "if", "else"}:
        raise FormulaError(f"The {what} {given!r} has the name of a function: choose another.")
    try:
        ast.parse(f"{given}+1", mode="eval")
    except SyntaxError:
        raise FormulaError(f"{given!r} is a word of Python: choose another name.") from None


def check_parameters(parameters: Iterable[str], variables: Collection[str]) -> None:
    """Raise FormulaError for a parameter that a formula in these variables cannot have."""
    for parameter in parameters:
        check_name(parameter)
        if parameter in variables:
            raise FormulaError(f"{parameter} is the formula's variable; rename the parameter.")


def finite(parameter: str, of: str, value: Any) -> float:
    """The number a parameter is set to; ValueError if it is none, or not finite."""
    met = repr(value) if not isinstance(value, int) else "an integer beyond float64"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"The parameter {parameter} of {of} must be a finite number; met {met}.")
    return number


def _check_characters(text: str) -> None:
    if not text.strip():
        raise FormulaError("The formula is empty; write one such as 'x * tanh(x)'.")
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"The formula has {len(text):,} characters, more than the {MAX_LENGTH:,} allowed: "
            "write it shorter, or as a composition of two functions."
        )
    depth = 0
    for i, character in enumerate(text):
        if not _ALLOWED.fullmatch(character):
            advice = "; write ** for powers" if character == "^" else ""
            raise FormulaError(
                f"A formula has no use for the character {character!r}{advice}.", text, i, 1
            )
        depth += (character == "(") - (character == ")")
        if depth > MAX_BRACKETS:
            raise FormulaError(f"Brackets are nested deeper than {MAX_BRACKETS}.", text, i, 1)
    glued = _GLUED.search(text)
    if glued:
        raise FormulaError(
            "Between a number and a name there must be an operator: write 2 * x, and numbers as in "
            "1000 or 1.5e-3.",
            text,
            glued.start(),
            len(glued[0]),
        )


def _refuse_syntax(text: str, error: SyntaxError) -> NoReturn:
    stripped = text.strip()
    place = min(max((error.offset or 1) - 1, 0), max(len(stripped) - 1, 0))
    if error.lineno and error.lineno > 1:
        raise FormulaError("The formula must be on one line, or inside brackets.") from None
    raise FormulaError(
        f"The formula cannot be read from here on ({error.msg}).", stripped, place, 1
    ) from None


class _Reader:
    """Reads one syntax tree, with an eye on depth and size."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text = text
        self._names = names
        self._nodes = 0
        # ast counts columns per line; formulas rarely have more than one.
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def read(self, node: ast.expr, depth: int = 1) -> Expression:
        self._nodes += 1
        if depth > MAX_DEPTH:
            self._refuse(f"The formula is nested deeper than {MAX_DEPTH} levels here.", node)
        if self._nodes > MAX_NODES:
            self._refuse(f"The formula has more than {MAX_NODES} operations and operands.", node)
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name():
                return self._name(node)
            case ast.Call():
                return self._call(node, depth)
            case ast.Compare():
                return self._compared(node, depth)
        return self._operator(node, depth)

    def _operator(self, node: ast.expr, depth: int) -> Expression:
        match node:
            case ast.UnaryOp():
                return self._unary(node, depth)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                left, right = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
                return make(_OPERATORS[type(node.op)], left, right)
            case ast.BoolOp():
                return self._joined(_OPERATORS[type(node.op)], node.values, depth)
            case ast.IfExp():
                parts = (node.test, node.body, node.orelse)
                return make("select", *(self.read(part, depth + 1) for part in parts))
        self._refuse(_advice(node), node)

    def _refuse(self, sentence: str, node: ast.expr) -> NoReturn:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        raise FormulaError(sentence, self._text, start, end - start)

    def _number(self, node: ast.Constant) -> Expression:
        if type(node.value) not in (int, float):
            self._refuse("A constant of a formula is a real number.", node)
        try:
            value = float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            self._refuse("This number is larger than any float64; write inf for infinity.", node)
        return constant(value)

    def _name(self, node: ast.Name) -> Expression:
        if node.id in self._names:
            return name(node.id)
        if node.id in CONSTANTS:
            return constant(CONSTANTS[node.id])
        known = ", ".join(sorted(self._names))
        if node.id in FUNCTIONS:
            self._refuse(f"{node.id} is a function: write {node.id}(...).", node)
        close = difflib.get_close_matches(node.id, [*self._names, *CONSTANTS], n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"This formula may read: {known}."
        self._refuse(
            f"There is no variable or parameter named {node.id!r}. {hint} Parameters are named "
            "with their defaults.",
            node,
        )

    def _unary(self, node: ast.UnaryOp, depth: int) -> Expression:
        operand = self.read(node.operand, depth + 1)
        match node.op:
            case ast.UAdd():
                return operand
            case ast.USub():
                return make("negative", operand)
            case ast.Not():
                return make("logical_not", operand)
        self._refuse(_advice(node), node)

    def _joined(self, operation: str, parts: list[ast.expr], depth: int) -> Expression:
        whole = self.read(parts[0], depth + 1)
        for part in parts[1:]:
            whole = make(operation, whole, self.read(part, depth + 1))
        return whole

    def _compared(self, node: ast.Compare, depth: int) -> Expression:
        operands = [self.read(part, depth + 1) for part in (node.left, *node.comparators)]
        whole: Expression | None = None
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _OPERATORS:
                self._refuse("A formula compares with <, <=, >, >=, == and != only.", node)
            part = make(_OPERATORS[type(op)], left, right)
            whole = part if whole is None else make("logical_and", whole, part)
        assert whole is not None
        return whole

    def _call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            self._refuse(_advice(node.func), node.func)
        function = node.func.id
        if function not in FUNCTIONS:
            close = difflib.get_close_matches(function, PUBLIC, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            self._refuse(f"Formulas have no function {function!r}.{hint}", node.func)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self._refuse("The functions of formulas take plain arguments only.", node)
        arguments = [self.read(a, depth + 1) for a in node.args]
        try:
            return call(function, arguments)
        except FormulaError as error:
            self._refuse(error.sentence, node)


def call(function: str, arguments: list[Expression]) -> Expression:
    """A function of formulas applied to operands; FormulaError if their number is wrong."""
    operation = SPELLINGS.get(function, function)
    wanted = len(MACROS[operation][0]) if operation in MACROS else OPERATIONS[operation].arity
    several = function in {"max", "min"} and len(arguments) > 2
    if len(arguments) != wanted and not several:
        raise FormulaError(
            f"{function} takes {wanted} argument{'s' * (wanted != 1)}; met {len(arguments)}."
        )
    if operation in MACROS:
        names, body = MACROS[operation]
        given = {name(n): a for n, a in zip(names, arguments, strict=True)}
        return substitute(_template(body, names), given)
    whole = make(operation, *arguments[:wanted])
    for argument in arguments[wanted:]:
        whole = make(operation, whole, argument)
    return whole


@cache
def _template(text: str, names: tuple[str, ...]) -> Expression:
    return parse(text, names)


def _advice(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(), attr=attribute):
            return f"A formula has no dots: write {attribute}(...) alone."
        case ast.Attribute():
            return "A formula has no dots and no attributes."
        case ast.Tuple():
            return "A formula is one number, not several: remove the comma."
        case ast.BinOp(op=ast.FloorDiv() | ast.Mod()):
            return "Formulas have no // and no %, whose derivatives are nowhere of use."
        case ast.Lambda() | ast.NamedExpr() | ast.Await() | ast.Yield() | ast.Starred():
            return "Formulas are single expressions of numbers; this is a word of programs."
    return "Formulas have numbers, names, + - * / **, comparisons, if-else and functions only."
