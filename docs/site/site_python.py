# SPDX-License-Identifier: MIT
"""The page of the reference for Python, from the sources of the package, which is neither built nor imported for it.

    write_python(package, path, roles)    one page (reStructuredText, Sphinx's Python domain) of all that `__all__` names

`roles` has what else may be linked to, as of site_reference.name_roles. What is documented of a class is what it and the classes it
comes from have that begins with no "_": methods, properties, and attributes with a comment "#:" above them, up to a comment "# --",
behind which stands what modules of the package share. Classes that are "made by" something show no arguments.
"""
import ast
import re

from site_reference import Prose, heading

OPTION = re.compile(r"(\w+(?:, \w+)*)\s{2,}(\S.*)")


class Package:
    """The modules of a package as syntax trees: `public` are the names of `__all__` in order, each with where it is defined."""

    def __init__(self, folder):
        self.lines, self.found = {}, {}
        for path in sorted(folder.glob("*.py")):
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
            self.lines[path.stem] = text.split("\n")
            for node in tree.body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    self.found.setdefault(node.name, (path.stem, node))
            if path.stem == "__init__":
                self.overview, names = docstring_lines(tree), all_of(tree)
        self.public = [(name, *self.found[name]) for name in names if name in self.found]
        lost = [name for name in names if name not in self.found and not name.startswith("__")]
        if lost:
            raise SystemExit(f"{folder}: no definition of {', '.join(lost)} was found")

    def members(self, name):
        """(module, node) of what a class and those that it comes from have; what is described twice once."""
        module, node = self.found[name]
        seen = set()
        for item in self.open_part(module, node):
            if docstring_lines(item):
                seen.add(item.name)
            yield module, item
        for base in filter(self.found.get, (ast.unparse(b) for b in node.bases)):
            yield from ((m, item) for m, item in self.members(base) if getattr(item, "name", "") not in seen)

    def open_part(self, module, node):
        lines = range(node.lineno, node.end_lineno)
        end = next((at for at in lines if self.lines[module][at].strip().startswith("# --")), node.end_lineno)
        return (item for item in node.body if item.lineno <= end)

    def said_above(self, module, node):
        """The comment "#:" above a line."""
        lines, at = [], node.lineno - 2
        while self.lines[module][at].strip().startswith("#:"):
            lines.insert(0, self.lines[module][at].strip()[2:].strip())
            at -= 1
        return lines


def docstring_lines(node):
    """Without the indentation that the code around it has; nothing where there is none."""
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) or not ast.get_docstring(node):
        return []
    first, *rest = ast.get_docstring(node, clean=False).rstrip().split("\n")
    return [first] + [line[node.body[0].col_offset:] for line in rest]


def all_of(tree):
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    raise SystemExit("the package has no __all__")


def options(lines):
    """The lines of a docstring, of which runs of "name   text" became ("name", [text]), and what is around them lists of lines."""
    parts, plain = [], []
    for line in lines:
        match = OPTION.fullmatch(line)
        if match:
            parts += [plain, (match[1], [match[2]])]
            plain = []
        elif parts and not plain and re.match(r" {4,}\S", line):
            parts[-1][1].append(line.strip())
        else:
            plain.append(line)
    return parts + [plain]


def prose_of(lines, prose, indent):
    pad = " " * indent
    for part in options(lines):
        if isinstance(part, list):
            yield from prose.blocks(part, indent)
        else:
            yield f"{pad}{', '.join(f'``{name}``' for name in part[0].split(', '))}"
            yield f"{pad}   {prose.inline(' '.join(part[1])).strip()}"
            yield ""


def signature(node, own):
    """The arguments as the source has them, without the one that stands for the object."""
    arguments = ast.unparse(node.args)
    if own:
        arguments = re.sub(r"^self(, )?", "", arguments)
    returns = f" -> {ast.unparse(node.returns).strip(chr(39))}" if node.returns else ""
    return f"({arguments}){returns}"


def is_property(node):
    return any(ast.unparse(d) == "property" for d in node.decorator_list)


def attributes(package, module, node):
    """Those that `__init__` gives the object, with a comment above."""
    for line in ast.walk(node):
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if isinstance(line, (ast.Assign, ast.AnnAssign)) and ast.unparse(target).startswith("self."):
            said = package.said_above(module, line)
            if said:
                yield ast.unparse(target)[5:], getattr(line, "annotation", None), said


def attribute(name, kind, lines, prose):
    yield f"   .. py:attribute:: {name}"
    if kind is not None:
        yield f"      :type: {ast.unparse(kind)}"
    yield ""
    yield from prose_of(lines, prose, 6)


def member(package, module, node, prose):
    name = getattr(node, "name", "")
    if name == "__init__":
        for found in attributes(package, module, node):
            yield from attribute(*found, prose)
    elif isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_"):  # of a NamedTuple
        yield from attribute(ast.unparse(node.target), node.annotation, [], prose)
    elif name and not name.startswith("_") and docstring_lines(node):
        if is_property(node):
            yield from attribute(name, node.returns, docstring_lines(node), prose)
        else:
            yield f"   .. py:method:: {name}{signature(node, own=True)}"
            yield ""
            yield from prose_of(docstring_lines(node), prose, 6)


def describe_class(package, name, node, prose):
    makers = [item for _, item in package.members(name) if getattr(item, "name", "") == "__init__"]
    bases = ", ".join(ast.unparse(b) for b in node.bases)
    error = "Error" in bases
    called = makers and not error and "Made by" not in "".join(docstring_lines(node))
    yield f".. py:{'exception' if error else 'class'}:: {name}{signature(makers[0], own=True) if called else ''}"
    yield ""
    yield from prose_of(docstring_lines(node), prose, 3)
    if error:
        yield "   " + prose.inline(f"Comes from {' and '.join(f'`{ast.unparse(b)}`' for b in node.bases)}.")
        yield ""
        return
    for module, item in package.members(name):
        yield from member(package, module, item, prose)


def describe(package, name, node, prose):
    if isinstance(node, ast.ClassDef):
        yield from describe_class(package, name, node, prose)
    else:
        yield f".. py:function:: {name}{signature(node, own=False)}"
        yield ""
        yield from prose_of(docstring_lines(node), prose, 3)


def write_python(folder, path, roles):
    package = Package(folder)
    kinds = {name: "py:class" if isinstance(node, ast.ClassDef) else "py:func" for name, _, node in package.public}
    prose = Prose({**roles, **kinds}, {})
    lines = [".. SPDX-License-Identifier: MIT", ""] + heading(folder.name, "=") + [f".. py:module:: {folder.name}", ""]
    lines += prose.blocks(package.overview, 0)
    for name, _, node in package.public:
        lines += describe(package, name, node, prose)
    path.write_text("\n".join(lines), encoding="utf-8")
