# SPDX-License-Identifier: MIT
"""Command lines in documents: every program is there, and takes the options that it is given.

Options of vatten's tools are looked up in what they print with --help, where they are built, else in their sources; those of
scripts and samples in their text; of cmake the -DVATTEN_ ones.
"""
import re
import shlex
import subprocess
from itertools import takewhile

# Programs of others: that they are written right is all that is known of them.
OTHERS = set("""cmake ctest cc c++ gcc clang ninja make git cd cp mv rm mkdir ls cat tar export source apt-get apt dpkg ldconfig pip pip3
    python python3 pkg-config xvfb-run mpirun mpiexec ldd adb gradle ./gradlew gradlew unzip curl sh bash for do done vcpkg conan
    env time true echo printf vulkaninfo grep nproc ln set cpack sphinx-build glslangValidator jupyter pytest""".split())
TOOLS = ("vatten_info", "vatten_run", "vatten_bench", "vatten_audit", "vatten_tune")


class Commands:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.cmake = "\n".join(self.texts("CMakeLists.txt", "*/CMakeLists.txt", "*/*/CMakeLists.txt", "*/*.cmake"))
        self.sources = "\n".join(self.texts("tools/*.c"))
        self.helps = {}

    def texts(self, *patterns):
        for pattern in patterns:
            for file in self.root.glob(pattern):
                yield file.read_text(encoding="utf-8")

    def faults(self, code):
        if self.syntax(code):
            yield self.syntax(code)
        for line in command_lines(code):
            yield from self.line_faults(line)

    @staticmethod
    def syntax(code):
        # Synopses have brackets; what the shell makes of those is no matter.
        lines = "\n".join(command_lines(code))
        done = subprocess.run(["bash", "-n"], input=lines + "\n", text=True, capture_output=True, check=False)
        return done.stderr.strip() if done.returncode else None

    def line_faults(self, line):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            yield f"{line}: {error}"
            return
        for command in split_commands(words):
            while command and (re.match(r"[A-Z_]+=", command[0]) or command[0] in ("sudo", "nice", "env", "then", "do")):
                command = command[1:]
            if command:
                yield from self.command_faults(command)

    def command_faults(self, command):
        program, arguments = command[0], command[1:]
        name = program.split("/")[-1]
        options = [a.split("=")[0] for a in arguments if re.match(r"--[a-z]", a)]
        if name in TOOLS:
            yield from self.tool_faults(name, arguments, options)
        elif (self.root / program).is_file():
            yield from self.script_faults(program, arguments, options)
        elif program.startswith("build/"):
            if not re.search(rf"(add_executable|_(test|program|sample))\({name}\b|\b{name}\b", self.cmake):
                yield f"{program}: no such target"
            yield from self.sample_faults(name, options)
        elif re.search(rf"add_executable\({re.escape(program)}\b", self.cmake):
            yield from self.sample_faults(name, options)
        elif program not in OTHERS:
            yield f"{program}: no such program or script"
        elif program == "cmake":
            for name in re.findall(r"-D(VATTEN_\w+)", " ".join(arguments)):
                if not re.search(rf"\b{name}\b", self.cmake):
                    yield f"cmake: {name} is no option"
        elif arguments and program.startswith("python") and arguments[0].endswith(".py"):
            yield from self.command_faults(arguments) if "/" in arguments[0] else ()

    def tool_faults(self, name, arguments, options):
        words = tuple(takewhile(lambda a: re.fullmatch(r"[a-z_]+|--simulate|--sweep", a), arguments))
        known = self.help(name, words)
        for option in options:
            here = re.search(rf"{option}\b", known) if known else f'"{option[2:]}"' in self.sources
            if not here and option not in ("--help", "--json", "--csv"):
                yield f"{name}: has no {option}"

    def help(self, name, words):
        key = (name, words)
        if key not in self.helps:
            program = self.build / "tools" / name if self.build else None
            text = ""
            if program and program.exists():
                for arguments in ([], list(words)):
                    text += subprocess.run([program, *arguments, "--help"], text=True, capture_output=True, check=False).stdout
            self.helps[key] = text
        return self.helps[key]

    def script_faults(self, program, arguments, options):
        # Scripts hand options on to what they run: ctest, or the samples.
        text = (self.root / program).read_text(encoding="utf-8", errors="replace")
        folder = (self.root / program).parent
        text += "\n".join(f.read_text(encoding="utf-8") for f in folder.glob("*.py"))
        if program == "samples/run.sh":
            text += "\n".join(self.texts("samples/*/*.[ch]"))
        for option in options:
            if option not in text and f'"{option[2:]}"' not in text:
                yield f"{program}: has no {option}"

    def sample_faults(self, name, options):
        text = "\n".join(self.texts("samples/*/*.[ch]", "tests/*/*.c", "tests/*/*.py"))
        for option in options:
            if option not in text and f'"{option[2:]}"' not in text:
                yield f"{name}: has no {option}"


def command_lines(code):
    """Lines to run: without prompts and explanations behind three spaces, continued ones joined, synopses without
    brackets, and <words> for what the reader puts there as one word."""
    joined = re.sub(r"\\\n\s*", " ", code)
    joined = re.sub(r"\n {4,}(?=\[|--)", " ", joined)
    prompts = re.search(r"^\$ ", joined, re.M)
    for line in joined.split("\n"):
        if prompts and not line.startswith("$ "):
            continue
        line = re.sub(r"^\$ ", "", line)
        line = re.split(r"(?<=\S) {3,}(?!-)", line)[0]
        line = re.sub(r"\[\.\.\.\]|(?<=\s)\.\.\.", "", line)
        line = re.sub(r"(?<=\s)\[(--[^\[\]]*(\[[^\]]*\][^\[\]]*)?)\]", r"\1", line)
        line = re.sub(r"(?<=\w)\|(?=\w)", "/", line)
        line = re.sub(r"<([a-z][\w ]*)>", lambda m: m[1].replace(" ", "-"), line)
        if line.strip() and not line.strip().startswith("#"):
            yield line.strip()


def split_commands(words):
    command = []
    for word in words:
        if word in ("&&", "||", "|", ";"):
            yield command
            command = []
        elif word.endswith(";"):
            yield command + [word[:-1]]
            command = []
        else:
            command.append(word)
    yield command
