# SPDX-License-Identifier: MIT
"""test_kernel_files.py KERNEL_FILES COMPILED OUT: each kernel that the library unpacks is valid by spirv-val, and is, by the text that
spirv-dis makes of both, what the compiler wrote to COMPILED, but for the numbers of ids, names and sources, and RelaxedPrecision.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

SKIP = 77
READABLE = 0.9  # of the kernels at least: tools may be older than an extension that a few use
ID = re.compile(r"%\w+")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
NEEDLESS = re.compile(r"\s*(OpName|OpMemberName|OpSource|OpSourceExtension|OpModuleProcessed|Op(No)?Line|%\w+ = OpString)\b"
                      r"|\s*OpDecorate %\w+ RelaxedPrecision$")


def text_of(path):
    """The instructions, with ids numbered as they come."""
    done = subprocess.run(["spirv-dis", "--raw-id", "--no-indent", path], capture_output=True, text=True, check=True)
    names = {}
    lines = []
    for line in done.stdout.splitlines():
        if line.startswith("; Bound:") or NEEDLESS.match(line):
            continue
        strings = STRING.findall(line)
        renamed = ID.sub(lambda found: "%" + str(names.setdefault(found[0], len(names))), STRING.sub('""', line))
        lines.append(renamed + " ".join(strings))
    return lines


def refusal(path):
    """What spirv-val has against it, or nothing."""
    newer = re.search("_matrix2|_matrix_workgroup", os.path.basename(path))
    target = "vulkan1.3" if newer else "vulkan1.1"
    done = subprocess.run(["spirv-val", "--target-env", target, path], capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["not valid"])[0] if done.returncode else ""


def difference(compiled, unpacked):
    """What is wrong with one kernel, nothing, or None where the tools do not even know what the compiler wrote."""
    refused = refusal(unpacked)
    if refused:
        return None if "Invalid capability" in refused and "Invalid capability" in refusal(compiled) else refused
    ours, theirs = text_of(unpacked), text_of(compiled)
    if ours == theirs:
        return ""
    at = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
    return f"line {at}: {ours[at:at + 1]} where the compiler wrote {theirs[at:at + 1]}"


def main(program, compiled, out):
    if not (shutil.which("spirv-dis") and shutil.which("spirv-val")):
        print("no spirv-dis and spirv-val here (package spirv-tools)")
        return SKIP
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    subprocess.run([program, out], check=True, stdout=subprocess.DEVNULL)
    names = sorted(os.listdir(out))
    pairs = [(os.path.join(compiled, name), os.path.join(out, name)) for name in names]
    if not os.path.exists(pairs[0][0]):
        print(f"{compiled} has no kernels as compiled, only packed ones")
        return SKIP
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda pair: difference(*pair), pairs))
    wrong = [f"{name}: {what}" for name, what in zip(names, found) if what]
    for line in wrong[:10]:
        print(line)
    read = sum(what is not None for what in found)
    print(f"{len(names)} kernels unpacked, {len(wrong)} differ from what was compiled or are not valid, "
          f"{len(names) - read} of an extension that spirv-val does not know")
    shutil.rmtree(out)
    return 1 if wrong or read < READABLE * len(names) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
