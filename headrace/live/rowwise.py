"""SQL expressions over one row, compiled to Python: what DuckDB answers in a fifth of a millisecond, in microseconds.

DuckDB itself parses an expression, so that no precedence is read in another way than in training. Of its tree the nodes
below are written as Python, with SQL's missing values and DuckDB's numbers: decimals are exact, `/` gives doubles and
follows IEEE 754, integers do not wrap. An expression with any other node is left to DuckDB, as is a row on which a
compiled expression leaves the range of its type.
"""

from __future__ import annotations

import decimal
import json
import math
import threading
from typing import TYPE_CHECKING, Any

import duckdb

from headrace.declaration.sql import connect, create_rows, quoted
from headrace.declaration.types import decimal_arguments, duckdb_type, type_kind
from headrace.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from headrace.declaration.rows import TypedRows

Node = dict[str, Any]
INTEGERS = range(-(2**63), 2**63)
MOST_DIGITS = 38
FEWEST_DIGITS = 18
"""The sum and the product of decimals of up to so many digits have so many at most, or are an error."""
EXACT = decimal.Context(prec=100)
"""Decimals have 38 digits at most: no sum or product of two of them is rounded."""
KINDS = {"string": "text", "category": "text"}
COMPARISONS = {
    "COMPARE_EQUAL": "==",
    "COMPARE_NOTEQUAL": "!=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
NUMBERS = ("integer", "decimal", "float")
PARTS = {
    "year": "{}.year",
    "month": "{}.month",
    "day": "{}.day",
    "hour": "{}.hour",
    "minute": "{}.minute",
    "dayofweek": "{}.isoweekday() % 7",
    "dow": "{}.isoweekday() % 7",
    "isodow": "{}.isoweekday()",
    "dayofyear": "{}.timetuple().tm_yday",
    "doy": "{}.timetuple().tm_yday",
    "quarter": "({}.month + 2) // 3",
}
OF_DAYS = ("hour", "minute")
"""The parts that a date does not have here: DuckDB has its own answer."""


class Unknown(Exception):  # noqa: N818  it is no failure: DuckDB evaluates the expression
    """An expression has a node that is not written as Python."""


class RowProgram:
    """Expressions, ready for one row at a time. Several threads may ask.

    Args:
        compiled: What gives the values of the compiled expressions, by name, for a row.
        names: All expressions, in their order.
        left: What DuckDB evaluates of a row: the others.
        everything: The same for all expressions.
    """

    def __init__(
        self,
        compiled: Callable[[Mapping[str, Any]], dict[str, Any]],
        names: Sequence[str],
        left: _ByDuckDB | None,
        everything: _ByDuckDB,
    ) -> None:
        self._compiled = compiled
        self._names = names
        self._left = left
        self._everything = everything

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each expression; None for NULL.

        Args:
            row: Python values by column; a column that it does not have is missing.

        Raises:
            DataError: DuckDB does not take the row, such as where a sum leaves the range of its type.
        """
        try:
            values = self._compiled(row)
        except (ArithmeticError, ValueError, TypeError):
            return self._everything(row)
        if self._left is not None:
            values.update(self._left(row))
        return values

    @property
    def compiled(self) -> list[str]:
        """Return the names of the expressions that need no DuckDB."""
        return [name for name in self._names if self._left is None or name not in self._left.names]

    def close(self) -> None:
        """Give back what DuckDB holds."""
        self._everything.close()


def compile_expressions(expressions: Mapping[str, str], rows: TypedRows) -> RowProgram:
    """Compile expressions over the declared columns of a row.

    Args:
        expressions: DuckDB SQL by name.
        rows: The columns.

    Raises:
        ConfigError: An expression is not one over these columns.
    """
    connection = connect()
    create_rows(connection, rows)
    writer, left = _Writer(rows), {}
    for name, expression in expressions.items():
        try:
            connection.execute(f"DESCRIBE SELECT ({expression}) FROM rows")
            writer.add(name, _parsed(expression, connection))
        except Unknown:
            left[name] = expression
        except duckdb.Error as error:
            raise ConfigError(f"{name}: '{expression}': {str(error).splitlines()[0]}") from error
    everything = _ByDuckDB(connection, expressions, rows)
    return RowProgram(
        writer.function(), list(expressions), _ByDuckDB(connection, left, rows) if left else None, everything
    )


def columns_read(expressions: Iterable[str], rows: TypedRows) -> dict[str, set[str]]:
    """Return the columns that each expression names."""
    with connect() as connection:
        return {expression: _columns_in(expression, rows, connection) for expression in expressions}


def _columns_in(expression: str, rows: TypedRows, connection: duckdb.DuckDBPyConnection) -> set[str]:
    try:
        tree = _parsed(expression, connection)
    except Unknown:
        return set(rows.columns)
    folded = {name.lower(): name for name in rows.columns}
    parts = [part.lower() for node in _nodes(tree) for part in node.get("column_names", [])]
    return {folded[part] for part in parts if part in folded}


class _ByDuckDB:
    """Expressions that DuckDB evaluates, one prepared query for all of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, expressions: Mapping[str, str], rows: TypedRows) -> None:
        self.names = list(expressions)
        self._connection = connection
        read = set().union(*(_columns_in(expression, rows, connection) for expression in expressions.values()))
        self._columns = [name for name in rows.columns if name in read]
        given = [f"CAST(? AS {duckdb_type(rows.columns[name].type)}) AS {quoted(name)}" for name in self._columns]
        selected = ", ".join(f"({expression})" for expression in expressions.values())
        self._sql = f"SELECT {selected} FROM (SELECT {', '.join(given) or 'NULL'})"
        self._of_thread = threading.local()

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if not hasattr(self._of_thread, "cursor"):
            self._of_thread.cursor = self._connection.cursor()
        try:
            values = self._of_thread.cursor.execute(self._sql, [row.get(name) for name in self._columns]).fetchone()
        except duckdb.Error as error:
            raise DataError(f"features of a row: {str(error).splitlines()[0]}") from error
        return dict(zip(self.names, values, strict=True))

    def close(self) -> None:
        self._connection.close()


def _parsed(expression: str, connection: duckdb.DuckDBPyConnection) -> Node:
    """Return DuckDB's own tree of an expression.

    Raises:
        Unknown: DuckDB does not write the tree down.
    """
    # In brackets, as both SQL forms use an expression.
    found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT ({expression})"]).fetchone()
    tree: Node = json.loads(found[0]) if found else {"error": True}
    if tree["error"]:
        raise Unknown
    node: Node = tree["statements"][0]["node"]["select_list"][0]
    return node


def _nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _children(tree: Any) -> Iterator[Node]:
    """Yield the expressions that an expression is made of, each without its own."""
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        if isinstance(value, dict) and "class" in value:
            yield value
        else:
            yield from _children(value)


def _declared_digits(kind: str) -> tuple[int, int]:
    """Return how many digits a column's numbers have before the point and behind it."""
    digits, decimals = decimal_arguments(kind) or (len(str(INTEGERS.stop)), 0)
    return digits - decimals, decimals


class _Writer:
    """Python source that computes expressions, a variable for each node; a node that is met again is not repeated.

    A variable has a kind: integer, decimal, float, boolean, text, timestamp, date, or null for NULL itself.
    """

    def __init__(self, rows: TypedRows) -> None:
        self._kinds = {name: KINDS.get(kind := type_kind(column.type), kind) for name, column in rows.columns.items()}
        self._declared_digits = {name.lower(): _declared_digits(column.type) for name, column in rows.columns.items()}
        self._folded = {name.lower(): name for name in rows.columns}
        self._lines: list[str] = []
        self._indent = 1
        self._met: dict[str, tuple[str, str]] = {}
        self._count = 0
        self._results: dict[str, str] = {}
        self._constants: dict[str, decimal.Decimal] = {}

    def add(self, name: str, tree: Node) -> None:
        """Write an expression.

        Raises:
            Unknown: It has a node that is not written as Python; nothing is written then.
        """
        before = len(self._lines), dict(self._met)
        try:
            self._results[name] = self._value(tree)[0]
        except Unknown:
            del self._lines[before[0] :]
            self._met, self._indent = before[1], 1
            raise

    def function(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Return the function of a row that gives all values by name."""
        results = ", ".join(f"{name!r}: {variable}" for name, variable in self._results.items())
        source = "\n".join(["def program(row):", "    get = row.get", *self._lines, f"    return {{{results}}}"])
        scope: dict[str, Any] = _GIVEN | self._constants
        exec(compile(source, "<expressions>", "exec"), scope)  # noqa: S102  made of known nodes alone
        program: Callable[[Mapping[str, Any]], dict[str, Any]] = scope["program"]
        return program

    def _value(self, node: Node) -> tuple[str, str]:
        """Write a node; return its variable and its kind."""
        known = json.dumps(_without_places(node), sort_keys=True)
        if known not in self._met:
            write = getattr(self, f"_{str(node.get('class')).lower()}", None)
            if write is None:
                raise Unknown
            self._met[known] = write(node)
        return self._met[known]

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._indent + text)

    def _new(self, text: str) -> str:
        self._count += 1
        variable = f"v{self._count}"
        self._line(f"{variable} = {text}")
        return variable

    def _unless_missing(self, variables: Sequence[str], text: str) -> str:
        missing = _missing(variables)
        return self._new(f"None if {missing} else {text}" if missing else text)

    def _inside(self, condition: str, node: Node, kind: str | None, result: str) -> str:
        """Write a node that is computed under a condition alone; its value goes to `result`, in a kind if given."""
        self._line(f"if {condition}:")
        met = dict(self._met)
        self._indent += 1
        variable, found = self._value(node)
        self._line(f"{result} = {_as(variable, found, kind or found)}")
        self._indent -= 1
        self._met = met
        return found

    def _column_ref(self, node: Node) -> tuple[str, str]:
        name = self._folded.get(node["column_names"][-1].lower())
        if name is None or len(node["column_names"]) != 1:
            raise Unknown
        kind = self._kinds[name]
        read = self._new(f"get({name!r})")
        if kind in {"decimal", "float"}:
            take = "as_decimal" if kind == "decimal" else "float"
            wanted = "Decimal" if kind == "decimal" else "float"
            self._line(f"if {read} is not None and type({read}) is not {wanted}: {read} = {take}({read})")
        return read, kind

    def _constant(self, node: Node) -> tuple[str, str]:
        literal = node.get("literal", {})
        kind, text = literal.get("kind"), literal.get("text", "")
        if kind == "NULL_LITERAL":
            return "None", "null"
        if kind == "STRING":
            return repr(text), "text"
        if kind == "INTEGER" and int(text) in INTEGERS:
            return f"({int(text)})", "integer"
        if kind == "NUMERIC" and "e" in text.lower():
            return f"({float(text)!r})", "float"
        if kind == "NUMERIC" and len(text) < MOST_DIGITS:
            name = f"constant_{len(self._constants)}"
            self._constants[name] = decimal.Decimal(text)
            return name, "decimal"
        if kind == "BOOLEAN":
            return str(text.lower() in {"true", "t", "1"}), "boolean"
        raise Unknown

    def _comparison(self, node: Node) -> tuple[str, str]:
        operator = COMPARISONS.get(node["type"])
        if operator is None:
            raise Unknown
        return self._compared(self._value(node["left"]), operator, self._value(node["right"])), "boolean"

    def _compared(self, left: tuple[str, str], operator: str, right: tuple[str, str]) -> str:
        kind = _common(left[1], right[1])
        if kind == "null":
            return self._new("None")
        first, second = _as(*left, kind), _as(*right, kind)
        if kind == "float":
            # NaN is equal to itself and larger than all numbers.
            return self._unless_missing([left[0], right[0]], f"ordered({first}) {operator} ordered({second})")
        return self._unless_missing([left[0], right[0]], f"{first} {operator} {second}")

    def _conjunction(self, node: Node) -> tuple[str, str]:
        operands = [self._truth(child) for child in node["children"]]
        return self._joined(operands, decisive=node["type"] == "CONJUNCTION_OR"), "boolean"

    def _joined(self, operands: Sequence[str], *, decisive: bool) -> str:
        """Write AND or OR: one operand may decide alone, else a missing one leaves the answer open."""
        decided = " or ".join(f"{operand} is {decisive}" for operand in operands)
        return self._new(f"{decisive} if {decided} else None if {_missing(operands) or False} else {not decisive}")

    def _truth(self, node: Node) -> str:
        variable, kind = self._value(node)
        if kind not in {"boolean", "null"}:
            raise Unknown
        return variable

    def _between(self, node: Node) -> tuple[str, str]:
        value, low, high = (self._value(node[side]) for side in ("input", "lower", "upper"))
        if _common(_common(value[1], low[1]), high[1]) == "null" or "null" in {value[1], low[1], high[1]}:
            raise Unknown
        if "float" in {value[1], low[1], high[1]}:
            # All three are compared in one type.
            value, low, high = ((_as(*each, "float"), "float") for each in (value, low, high))
            value, low, high = ((self._new(each[0]), "float") for each in (value, low, high))
        both = [self._compared(value, ">=", low), self._compared(value, "<=", high)]
        return self._joined(both, decisive=False), "boolean"

    def _operator(self, node: Node) -> tuple[str, str]:
        kind, children = node["type"], node["children"]
        if kind == "OPERATOR_NOT":
            operand = self._truth(children[0])
            return self._new(f"None if {operand} is None else not {operand}"), "boolean"
        if kind in {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}:
            operand, _ = self._value(children[0])
            return self._new(f"{operand} is {'not ' if 'NOT' in kind else ''}None"), "boolean"
        if kind == "OPERATOR_COALESCE":
            return self._first_known(children)
        if kind == "COMPARE_IN":
            return self._in(children), "boolean"
        raise Unknown

    def _in(self, children: list[Node]) -> str:
        values = [self._value(child) for child in children]
        kind = "null"
        for _, each in values:
            kind = _common(kind, each)
        if kind == "null":
            raise Unknown
        shared = [(self._new(_as(variable, each, kind)), kind) for variable, each in values]
        return self._joined([self._compared(shared[0], "==", other) for other in shared[1:]], decisive=True)

    def _first_known(self, children: list[Node]) -> tuple[str, str]:
        kind = self._kind_of(children)
        result = self._new("None")
        for child in children:
            self._inside(f"{result} is None", child, kind, result)
        return result, kind

    def _case(self, node: Node) -> tuple[str, str]:
        results = [check["then_expr"] for check in node["case_checks"]] + [node["else_expr"]]
        kind = self._kind_of(results)
        result, decided = self._new("None"), self._new("False")
        for check in node["case_checks"]:
            self._line(f"if not {decided}:")
            met = dict(self._met)
            self._indent += 1
            when = self._truth(check["when_expr"])
            self._line(f"{decided} = {when} is True")
            self._inside(decided, check["then_expr"], kind, result)
            self._indent -= 1
            self._met = met
        self._inside(f"not {decided}", node["else_expr"], kind, result)
        return result, kind

    def _kind_of(self, nodes: Sequence[Node]) -> str:
        """Return the one kind of the values of several nodes, without writing them."""
        before, met = len(self._lines), dict(self._met)
        kind = "null"
        for node in nodes:
            kind = _common(kind, self._value(node)[1])
        del self._lines[before:]
        self._met = met
        return kind

    def _cast(self, node: Node) -> tuple[str, str]:
        wanted = node["type_expr"].get("type_name", "")
        variable, kind = self._value(node["child"])
        if node["try_cast"] or node["type_expr"].get("children"):
            raise Unknown
        if wanted == "DOUBLE" and kind in {*NUMBERS, "boolean"}:
            return self._unless_missing([variable], f"float({variable})"), "float"
        if wanted == "BIGINT" and kind in {"integer", "boolean"}:
            return self._unless_missing([variable], f"int({variable})"), "integer"
        if wanted == "BOOLEAN" and kind == "boolean":
            return variable, kind
        raise Unknown

    def _function(self, node: Node) -> tuple[str, str]:  # noqa: PLR0911  a line for each function
        plain = not (node["filter"] or node["distinct"] or node["order_bys"]["orders"])
        named = any(argument["name"] for argument in node["arguments"])
        name, arguments = node["function_name"].lower(), [argument["expression"] for argument in node["arguments"]]
        if not plain or named or node["schema"] or node["catalog"]:
            raise Unknown
        if name in {"date_part", "datepart"} and len(arguments) == 2:
            return self._part(self._constant_text(arguments[0]), arguments[1])
        if name in PARTS and len(arguments) == 1:
            return self._part(name, arguments[0])
        if name in {"+", "-", "*"} and node["is_operator"]:
            return self._arithmetic(name, node)
        if name == "/" and node["is_operator"]:
            return self._divided(*(self._value(argument) for argument in arguments))
        if name in {"ifnull", "coalesce"}:
            return self._first_known(arguments)
        if name == "nullif" and len(arguments) == 2:
            return self._null_if(*(self._value(argument) for argument in arguments))
        if name in {"greatest", "least"}:
            return self._extreme(name, [self._value(argument) for argument in arguments])
        if name in {"abs", "floor", "ceil", "ceiling", "sqrt", "length"} and len(arguments) == 1:
            return self._of_one(name, *self._value(arguments[0]))
        raise Unknown

    def _constant_text(self, node: Node) -> str:
        if node["class"] != "CONSTANT" or node["literal"]["kind"] != "STRING":
            raise Unknown
        return str(node["literal"]["text"]).lower()

    def _part(self, name: str, node: Node) -> tuple[str, str]:
        variable, kind = self._value(node)
        if name not in PARTS or not (kind == "timestamp" or (kind == "date" and name not in OF_DAYS)):
            raise Unknown
        return self._unless_missing([variable], PARTS[name].format(variable)), "integer"

    def _arithmetic(self, operator: str, node: Node) -> tuple[str, str]:
        operands = [self._value(argument["expression"]) for argument in node["arguments"]]
        kinds = {kind for _, kind in operands}
        if not kinds <= set(NUMBERS):
            raise Unknown
        kind = "float" if "float" in kinds else "decimal" if "decimal" in kinds else "integer"
        variables = [variable for variable, _ in operands]
        values = [_as(variable, each, kind) for variable, each in operands]
        if len(values) == 1:
            if operator != "-":
                raise Unknown
            negated = f"{values[0]}.copy_negate()" if kind == "decimal" else f"-{values[0]}"
            return self._unless_missing(variables, f"in_range({negated})" if kind == "integer" else negated), kind
        if kind == "decimal":
            call = {"+": "add", "-": "subtract", "*": "multiply"}[operator]
            whole, decimals = self._digits(node)
            if whole + decimals > MOST_DIGITS:
                raise Unknown  # DuckDB gives up decimals then, and rounds
            # DuckDB's type for the result may hold no more digits than these; where there are more it has to be asked.
            limit = 10 ** max(0, FEWEST_DIGITS - decimals)
            return self._unless_missing(variables, f"below({call}({', '.join(values)}), {limit})"), kind
        check = "in_range" if kind == "integer" else "finite"
        return self._unless_missing(variables, f"{check}({f' {operator} '.join(values)})"), kind

    def _digits(self, node: Node) -> tuple[int, int]:
        """Return how many digits a number may have before the point and behind it."""
        if node["class"] == "COLUMN_REF":
            return self._declared_digits.get(node["column_names"][-1].lower(), (0, 0))
        if node["class"] == "CONSTANT":
            whole, _, decimals = node.get("literal", {}).get("text", "").partition(".")
            return len(whole), len(decimals)
        name = node.get("function_name")
        parts = [self._digits(child) for child in _children(node)] or [(0, 0)]
        whole, decimals = (sum(each) if name == "*" else max(each) for each in zip(*parts, strict=True))
        return whole + (name in {"+", "-"}), decimals

    def _divided(self, above: tuple[str, str], below: tuple[str, str]) -> tuple[str, str]:
        if not {above[1], below[1]} <= set(NUMBERS):
            raise Unknown
        quotient = f"divide({_as(*above, 'float')}, {_as(*below, 'float')})"
        return self._unless_missing([above[0], below[0]], quotient), "float"

    def _null_if(self, value: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
        if value[1] == "null":
            raise Unknown
        same = self._compared(value, "==", other)
        return self._new(f"None if {same} else {value[0]}"), value[1]

    def _extreme(self, name: str, operands: list[tuple[str, str]]) -> tuple[str, str]:
        kind = "null"
        for _, each in operands:
            kind = _common(kind, each)
        if kind not in NUMBERS:
            raise Unknown
        values = ", ".join(_as(variable, each, kind) for variable, each in operands)
        return self._new(f"{name}(({values},))"), kind

    def _of_one(self, name: str, variable: str, kind: str) -> tuple[str, str]:
        if name == "length" and kind == "text":
            return self._unless_missing([variable], f"len({variable})"), "integer"
        if name == "abs" and kind in NUMBERS:
            absolute = f"{variable}.copy_abs()" if kind == "decimal" else f"abs({variable})"
            return self._unless_missing([variable], f"in_range({absolute})" if kind == "integer" else absolute), kind
        if name in {"floor", "ceil", "ceiling"} and kind == "float":
            return self._unless_missing([variable], f"{name[:5].replace('ceili', 'ceil')}({variable})"), kind
        if name == "sqrt" and kind in NUMBERS:
            return self._unless_missing([variable], f"sqrt({_as(variable, kind, 'float')})"), "float"
        raise Unknown


def _missing(variables: Sequence[str]) -> str:
    """Return the condition that one of them is missing; nothing where all are constants."""
    return " or ".join(f"{name} is None" for name in dict.fromkeys(variables) if name[0] == "v" or name == "None")


def _without_places(node: Any) -> Any:
    """Return a tree without where in the text its nodes stand."""
    if isinstance(node, dict):
        return {key: _without_places(value) for key, value in node.items() if not key.startswith("query_location")}
    if isinstance(node, list):
        return [_without_places(value) for value in node]
    return node


def _common(one: str, other: str) -> str:
    """Return the kind that two values are compared in, as DuckDB casts them.

    Raises:
        Unknown: DuckDB casts them in another way, such as a text to a date.
    """
    if other in {one, "null"}:
        return one
    if one == "null":
        return other
    if {one, other} <= set(NUMBERS):
        return "float" if "float" in {one, other} else "decimal"
    raise Unknown


def _as(variable: str, kind: str, wanted: str) -> str:
    """Return the source of a variable in a kind; a missing value stays missing."""
    if kind in {wanted, "null"} or wanted == "null":
        return variable
    converted = f"{'float' if wanted == 'float' else 'Decimal'}({variable})"
    return f"(None if {variable} is None else {converted})" if _missing([variable]) else converted


def as_decimal(value: Any) -> decimal.Decimal:
    """Return a number as it is written in decimals."""
    return decimal.Decimal(str(value)) if isinstance(value, float) else decimal.Decimal(value)


def _ordered(number: float) -> tuple[bool, float]:
    """Return what a double is ordered by: NaN comes after all numbers, and is equal to itself."""
    return (True, 0.0) if number != number else (False, number)  # noqa: PLR0124  NaN alone is not itself


def _divide(above: float, below: float) -> float:
    if below:
        return above / below
    if above != above or above == 0:  # noqa: PLR0124
        return math.nan
    return math.copysign(math.inf, above) * math.copysign(1.0, below)


def _in_range(number: int) -> int:
    if number not in INTEGERS:
        raise OverflowError
    return number


def _below(number: decimal.Decimal, limit: int) -> decimal.Decimal:
    if not -limit < number < limit:
        raise OverflowError  # DuckDB says
    return number


def _finite(number: float) -> float:
    if math.isinf(number):
        raise OverflowError  # whether that is an error or infinity DuckDB says
    return number


def _floor(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def _ceil(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


def _sqrt(number: float) -> float:
    if not number >= 0:
        raise ValueError  # DuckDB says
    return math.sqrt(number)


def _greatest(values: tuple[Any, ...]) -> Any:
    known = [value for value in values if value is not None]
    return max(known, key=_sortable) if known else None


def _least(values: tuple[Any, ...]) -> Any:
    known = [value for value in values if value is not None]
    return min(known, key=_sortable) if known else None


def _sortable(value: Any) -> Any:
    return _ordered(value) if isinstance(value, float) else value


_GIVEN: dict[str, Any] = {
    "Decimal": decimal.Decimal,
    "as_decimal": as_decimal,
    "ordered": _ordered,
    "divide": _divide,
    "add": EXACT.add,
    "subtract": EXACT.subtract,
    "multiply": EXACT.multiply,
    "in_range": _in_range,
    "below": _below,
    "finite": _finite,
    "floor": _floor,
    "ceil": _ceil,
    "sqrt": _sqrt,
    "greatest": _greatest,
    "least": _least,
}
"""The names that programs use."""
