# SPDX-License-Identifier: MIT
"""Code of documents that is more than text: compiled, configured, and with a build at hand linked and run."""
import json
import re
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
DESC = re.compile(r"^const vatten_(attention|neighborhood|lists|sparse|pool|select|topk|combine)_desc (\w+) = ", re.M)
MAKER = re.compile(r"^vatten_result (make_\w+)\(vatten_device \*device, const vatten_logger \*logger, "
                   r"vatten_plan \*(?:\*plan|plans\[\d\])\)", re.M)
WHOLE = re.compile(r"^int main\(", re.M)

# What makes a plan of every desc at file scope, and calls every function that makes plans. What a device lacks is not the document's fault; a broken rule is.
PLANS = """
#include <stdio.h>
#include <vatten/context.h>
static void docs_say(void *user, vatten_log_level level, const char *message) {{
    (void)user;
    if (level == VATTEN_LOG_ERROR)
        printf("%s\\n", message);
}}
int main(void) {{
    int broken = 0;
    vatten_context *context = NULL;
    const vatten_context_desc desc = {{.logger = {{.write = docs_say}}}};
    if (vatten_context_create(&desc, &context) != VATTEN_SUCCESS)
        return 1;
    vatten_device *device = vatten_context_device(context);
    vatten_plan *plan = NULL, *plans[8] = {{NULL}};
    vatten_result result = VATTEN_SUCCESS;
{calls}    (void)plan;
    (void)plans;
    vatten_context_destroy(context);
    return broken;
}}
"""
CALL = """    result = vatten_{family}_create(device, &{name}, &plan);
    printf("{name}: %s\\n", vatten_result_name(result));
    broken |= result != VATTEN_SUCCESS && result != VATTEN_ERROR_UNSUPPORTED;
    vatten_plan_destroy(plan);
"""
MAKE = """    result = {name}(device, &desc.logger, plans);
    printf("{name}: %s\\n", vatten_result_name(result));
    broken |= result != VATTEN_SUCCESS && result != VATTEN_ERROR_UNSUPPORTED;
    for (int i = 0; i < 8; i++) {{
        vatten_plan_destroy(plans[i]);
        plans[i] = NULL;
    }}
"""


def run(command, **more):
    return subprocess.run(command, text=True, capture_output=True, check=False, **more)


def with_header(code):
    return code if "#include" in code else "#include <vatten/vatten.h>\n" + code


class Programs:
    def __init__(self, root, compiler, build):
        self.root, self.compiler, self.build = root, compiler, build
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name)
        self.plans = 0

    def compile_c(self, code):
        command = [self.compiler, *FLAGS, "-fsyntax-only", "-x", "c", "-I", str(self.root / "include"), "-"]
        done = run(command, input=with_header(code))
        return done.stderr.strip() if done.returncode else None

    def link(self, code):
        """Builds a program; (its path, None) or (None, why not)."""
        program = self.place / "program"
        (self.place / "program.c").write_text(code, encoding="utf-8")
        libraries = [self.build / "lib" / "context" / "libvatten_context.a", self.build / "lib" / "libvatten.a"]
        command = [self.compiler, *FLAGS, "-I", self.root / "include", self.place / "program.c", *libraries]
        done = run([*command, "-lvulkan", "-lm", "-lpthread", "-ldl", "-o", program])
        return (None, done.stderr.strip()) if done.returncode else (program, None)

    def run_program(self, code):
        """(what it printed, None) or (None, the fault)."""
        program, fault = self.link(code)
        if fault:
            return None, fault
        done = run([program])
        return (done.stdout, None) if done.returncode == 0 else (None, f"the program failed:\n{done.stdout}{done.stderr}")

    def make_plans(self, code):
        """Makes a plan of each desc that stands in the block, on the device at hand, and those that its functions make."""
        calls = "".join(CALL.format(family=family, name=name) for family, name in DESC.findall(code))
        calls += "".join(MAKE.format(name=name) for name in MAKER.findall(code))
        self.plans += len(DESC.findall(code)) + len(MAKER.findall(code))
        return self.run_program(with_header(code) + PLANS.format(calls=calls))[1]

    def configure(self, code):
        """Configures a project of the block, with what it may ask for beside it."""
        project = Path(tempfile.mkdtemp(dir=self.place))
        for name in ("vatten", "third_party/vatten"):
            (project / name).parent.mkdir(exist_ok=True)
            (project / name).symlink_to(self.root)
        (project / "app.c").write_text("int main(void) {\n    return 0;\n}\n", encoding="utf-8")
        if "project(" not in code:
            code = "cmake_minimum_required(VERSION 3.21)\nproject(app C)\nadd_executable(app app.c)\n" + code
        (project / "CMakeLists.txt").write_text(code, encoding="utf-8")
        kernels = self.build / "lib" / "kernels"
        prebuilt = self.cached("VATTEN_PREBUILT_SPIRV")
        done = run(["cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix()}",
                    f"-DVATTEN_PREBUILT_SPIRV={prebuilt or kernels}"])
        return done.stderr.strip() if done.returncode else None

    def cached(self, name):
        match = re.search(rf"^{name}:\w+=(.*)$", (self.build / "CMakeCache.txt").read_text(encoding="utf-8"), re.M)
        return match.group(1) if match else ""

    def prefix(self):
        prefix = self.place / "prefix"
        if not prefix.exists():
            done = run(["cmake", "--install", self.build, "--prefix", prefix])
            if done.returncode:
                raise SystemExit(f"cmake --install {self.build}: {done.stderr.strip()}")
        return prefix

    def read_tuning(self, text):
        (self.place / "a.tuning").write_text(text, encoding="utf-8")
        done = run([self.build / "tools" / "vatten_info", "--tuning", self.place / "a.tuning"])
        return done.stderr.strip() if done.returncode else None

    def output_of(self, command):
        tool, *arguments = command.split()
        place = tool[len("build/"):] if tool.startswith("build/") else f"tools/{tool}"
        done = run([self.build / place, *arguments])
        return done.stdout if done.returncode == 0 else f"failed: {done.stderr}"


def compile_python(code):
    try:
        compile(code, "block", "exec")
        return None
    except SyntaxError as error:
        return f"{error.msg}, line {error.lineno}: {error.text}"


def match_brackets(code):
    """All that can be said of languages whose compilers are not here."""
    code = re.sub(r"//.*|\"[^\"\n]*\"|'[^'\n]*'", "", code)
    depth = []
    for letter in re.findall(r"[()\[\]{}]", code):
        if letter in "([{":
            depth.append(")]}"["([{".index(letter)])
        elif not depth or depth.pop() != letter:
            return f"a {letter} that nothing opened"
    return f"a {depth[-1]} is missing" if depth else None


def parse_xml(code):
    try:
        ElementTree.fromstring(code)
        return None
    except ElementTree.ParseError as error:
        return str(error)


def parse_json(code):
    try:
        json.loads(code)
        return None
    except ValueError as error:
        return str(error)


def same_output(printed, claimed):
    """Whether a text prints as claimed; a line "..." stands for any number of lines."""
    printed, claimed = (re.sub(r"[\d.]+ ms\b", "0 ms", text) for text in (printed, claimed))
    parts = [re.escape(line.rstrip()) for line in claimed.rstrip("\n").split("\n")]
    pattern = "\n".join(parts).replace(r"\.\.\.\n", "(?:.*\n)*?").replace(r"\.\.\.", r"[\s\S]*")
    lines = "\n".join(line.rstrip() for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, lines) is not None
