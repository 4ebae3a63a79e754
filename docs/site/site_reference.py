# SPDX-License-Identifier: MIT
"""The pages of the reference, from the public headers: what libclang finds in them, in their order, with their comments.

    write_reference(headers, folder)    one page (reStructuredText, Sphinx's C domain) for each header; what may be linked to

A comment belongs to what follows it, or to what it stands behind on a line, as everywhere in the headers.
"""
import re
from pathlib import Path

from clang import cindex

Kind = cindex.CursorKind
ROLES = {Kind.FUNCTION_DECL: "func", Kind.ENUM_CONSTANT_DECL: "enumerator", Kind.STRUCT_DECL: "struct",
         Kind.ENUM_DECL: "enum", Kind.TYPEDEF_DECL: "type", Kind.MACRO_DEFINITION: "macro", Kind.FIELD_DECL: "member"}
SECTION = re.compile(r"/\* -{4} (.*?) -{4} \*/$", re.S)
PRIVATE = re.compile(r"_H_?$|^VATTEN_(API|VK_CALL)$")


class Header:
    """One header, parsed: `items` are its declarations in order, `sections` its headings by line."""

    def __init__(self, path, include):
        options = cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
        # what only Android has belongs to the reference too
        arguments = ["-x", "c", "-std=c11", "-D__ANDROID__", f"-I{include}", "-fparse-all-comments"]
        unit = cindex.Index.create().parse(str(path), args=arguments, options=options)
        faults = [str(d) for d in unit.diagnostics]
        if faults:
            raise SystemExit(f"{path}: {faults[0]}")
        self.name = path.name
        self.data = path.read_bytes()
        comments = [t for t in unit.get_tokens(extent=unit.cursor.extent) if t.kind == cindex.TokenKind.COMMENT]
        self.taken = set()
        self.comments = [t for t in comments if not SECTION.match(t.spelling)]
        self.sections = [(t.location.line, SECTION.match(t.spelling).group(1)) for t in comments
                         if SECTION.match(t.spelling)]
        ours = [c for c in unit.cursor.get_children() if c.location.file and c.location.file.name == str(path)]
        self.items = sorted(filter(self.public, ours), key=lambda c: c.location.offset)

    def public(self, cursor):
        if not cursor.spelling.lower().startswith("vatten_") or cursor.kind not in ROLES or PRIVATE.search(cursor.spelling):
            return False
        # A typedef of the struct or enum of the same name says nothing new; a struct that is only named there does.
        tagged = cursor.kind == Kind.TYPEDEF_DECL and re.search(rf"\b(struct|enum) {cursor.spelling}\b", self.source(cursor))
        return not tagged

    def source(self, cursor):
        text = self.data[cursor.extent.start.offset:cursor.extent.end.offset].decode()
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        return re.sub(r"\s+", " ", text.replace("VATTEN_API", "")).strip()

    def comment(self, cursor):
        """What is said of a declaration, as lines: the comment that ends right above it, then the one behind it."""
        first, last = cursor.extent.start.line, cursor.extent.end.line
        lines = []
        for token in self.comments:
            before = self.data[:token.extent.start.offset].rsplit(b"\n", 1)[-1]
            above = token.extent.end.line == first - 1 and not before.strip()
            behind = token.extent.start.line == last and token.extent.start.offset >= cursor.extent.end.offset
            if above or behind:
                lines += [""] + comment_lines(self.take(token))
        return lines

    def take(self, token):
        self.taken.add(token.location.line)
        return token.spelling

    def lost(self):
        """Comments that no description has taken, but those about what is not public."""
        lines = [""] + self.data.decode().split("\n") + [""]
        for token in self.comments[1:]:
            internal = lines[token.location.line].startswith("#") or re.match(r"#|.*__", lines[token.extent.end.line + 1])
            if token.location.line not in self.taken and not internal:
                yield f"{self.name}:{token.location.line}"

    def overview(self):
        """What the comment at the top says, without the line of the licence."""
        lines = comment_lines(self.comments[0].spelling)
        return [line for line in lines if "SPDX" not in line]


def comment_lines(comment):
    lines = re.sub(r"^/\*+ ?|\s*\*/$", "", comment).split("\n")
    return [re.sub(r"^\s*\* ?", "", line) if re.match(r"\s*\*( |$)", line) else line.strip() for line in lines]


def paragraphs(lines):
    """Runs of ("text" | "item" | "verbatim", lines): what is indented deeper than the text around it keeps its layout."""
    kind, run = None, []
    for line in lines + [""]:
        bare = line.strip()
        if not bare:
            new = None
        elif re.match(r" {0,2}- ", line):
            new = "item"
        elif kind == "item" and run:
            new = "more"
        elif re.match(r" {2,}", line):
            new = "verbatim"
        else:
            new = "text"
        if new == "more":
            run.append(line)
            continue
        if run and (new != kind or new == "item"):
            yield kind, run
            run = []
        kind = new
        if new:
            run.append(line)


class Prose:
    """Comments as reStructuredText, with a link wherever the name of something public stands."""

    def __init__(self, roles, file_of):
        self.roles = roles
        self.file_of = file_of

    def inline(self, text):
        parts = re.split(r"(`[^`]+`|\b(?:vatten|VATTEN)_\w+(?:\.\w+)*|\bvatten/?\w*\.h\b|\b[a-z_]+\.h\b)", text)
        return "".join(self.word(p) if i % 2 else escape(p) for i, p in enumerate(parts))

    def word(self, word):
        if word.startswith("`") and word.strip("`") not in self.roles:
            return self.code(word.strip("`"))
        word = word.strip("`")
        page = self.file_of.get(word.split("/")[-1])
        if page:
            return f"\\ :doc:`{word} <{page}>`\\ "
        role = self.roles.get(word)
        return f"\\ :{role}:`{word}`\\ " if role else escape(word)

    @staticmethod
    def code(text):
        return f"\\ ``{text}``\\ "

    def blocks(self, lines, indent):
        pad = " " * indent
        for kind, run in paragraphs(lines):
            if kind == "verbatim":
                least = min(len(line) - len(line.lstrip()) for line in run)
                yield f"{pad}.. code-block:: text"
                yield ""
                yield from (f"{pad}   {line[least:]}" for line in run)
            else:
                bare = " ".join(line.strip() for line in run)
                yield pad + ("- " + self.inline(bare[2:]) if kind == "item" else self.inline(bare))
            yield ""


def escape(text):
    return re.sub(r"([\\*`|]|_(?=\W|$))", r"\\\1", text)


def name_roles(headers):
    """What may be linked: the name of everything public, and struct.member -> its role for Sphinx."""
    roles = {}
    for header in headers:
        for item in header.items:
            roles.setdefault(item.spelling, f"c:{ROLES[item.kind]}")
            for child in item.get_children():
                if child.kind == Kind.ENUM_CONSTANT_DECL:
                    roles[child.spelling] = "c:enumerator"
                elif child.kind == Kind.FIELD_DECL:
                    roles[f"{item.spelling}.{child.spelling}"] = "c:member"
    return roles


def macro_value(header, item):
    return re.sub(r"^\S+\s*", "", header.source(item))


def directive(header, item):
    text = header.source(item)
    if item.kind == Kind.FUNCTION_DECL:
        return f".. c:function:: {text}"
    if item.kind == Kind.TYPEDEF_DECL:
        return f".. c:type:: {text.replace('typedef ', '', 1)}"
    if item.kind == Kind.MACRO_DEFINITION:
        return f".. c:macro:: {item.spelling}"
    return f".. c:{ROLES[item.kind]}:: {item.spelling}"


def describe(header, item, prose):
    yield directive(header, item)
    yield ""
    if item.kind == Kind.MACRO_DEFINITION and macro_value(header, item):
        yield f"   Value: {prose.code(macro_value(header, item))}"
        yield ""
    yield from prose.blocks(header.comment(item), 3)
    for child in item.get_children():
        if child.kind in (Kind.FIELD_DECL, Kind.ENUM_CONSTANT_DECL):
            role = "member" if child.kind == Kind.FIELD_DECL else "enumerator"
            yield f"   .. c:{role}:: {header.source(child)}"
            yield ""
            yield from prose.blocks(header.comment(child), 6)


def heading(text, line):
    return [text, line * len(text), ""]


def page(header, prose):
    lines = [".. SPDX-License-Identifier: MIT", ""] + heading(f"vatten/{header.name}", "=")
    lines += prose.blocks(header.overview(), 0)
    lines += [".. code-block:: c", "", f"   #include <vatten/{header.name}>", ""]
    last = 0
    for item in header.items:
        passed = [text for at, text in header.sections if last < at < item.location.line]
        if passed:
            lines += heading(passed[-1], "-")  # those before it have nothing public
        last = item.location.line
        lines += describe(header, item, prose)
    return "\n".join(lines)


def write_reference(headers, folder):
    headers = [Header(path, path.parents[1]) for path in headers]
    roles = name_roles(headers)
    prose = Prose(roles, {h.name: f"/docs/reference/{Path(h.name).stem}" for h in headers})
    folder.mkdir(parents=True, exist_ok=True)
    for header in headers:
        (folder / f"{Path(header.name).stem}.rst").write_text(page(header, prose), encoding="utf-8")
    lost = [where for header in headers for where in header.lost()]
    if lost:
        raise SystemExit(f"comments that stand at nothing public: {' '.join(lost)}")
    return roles
