# SPDX-License-Identifier: MIT
"""The instruction sets that drivers print, as tables: how a line of code is read, and what its mnemonic does. Data only.

Patterns are regular expressions, NEVER one that is found nowhere. `line` finds an instruction and in its group `op` the
mnemonic. Of `kinds` the first whose pattern matches the line from the mnemonic on decides; the number after it is how many
multiply-adds of one lane it makes, of MATRIX how many of the whole subgroup.
"""
import dataclasses

# What instructions are counted as. HINT is not counted: a word for the scheduler that takes no turn of its own.
FMA, MATRIX = "fma", "matrix"
SHARED, GLOBAL, EXCHANGE = "shared", "global", "exchange"
OTHER, MOVE, WAIT, BRANCH, HINT = "other", "move", "wait", "branch", "hint"
# An instruction with several operations is counted as the first of these that one of them is.
KINDS = (FMA, MATRIX, SHARED, GLOBAL, EXCHANGE, BRANCH, OTHER, MOVE, WAIT)

NEVER = r"(?!)"


@dataclasses.dataclass(frozen=True)
class InstructionSet:
    name: str
    text: str  # a part of the name of the driver's text that holds the code; "" = printed while the pipeline is made
    line: str
    kinds: tuple  # of (pattern, kind, multiply-adds); what none matches is OTHER
    label: str = NEVER  # a line that names the next instruction, in the group `name`
    target: str = NEVER  # in a line of kind BRANCH: where it goes, in the group `name` or `distance`
    stride: int = 0  # a distance is counted from the instruction `base` places further on, in so many units a place; ...
    base: int = 0
    address: str = NEVER  # ... with 0 units, in the group `hex`, from the instruction's own address
    joined: str = NEVER  # further operations of the instruction, each in a group `op`, on its line or on later ones
    repeats: str = NEVER  # (?P<number>N): done N times more
    idles: str = NEVER  # (?P<number>N): N turns are waited besides
    cycles: str = NEVER  # (?P<number>N) that it takes
    lanes: str = NEVER  # (?P<number>N) that it is for, where a subgroup takes several of the same
    leaves: str = NEVER  # a BRANCH after which the next instruction is not reached
    slots: int = 0  # instructions behind a BRANCH that still belong to it
    begin: str = NEVER  # what stands before such a line is not the code
    end: str = NEVER  # the code ends with such a line
    asked_by: tuple = ()  # (name, value) of the environment that makes a driver print


AMD = InstructionSet(
    "AMD", "Assembly", r"^\t(?P<op>[a-z]\w+)", (
        (r"s_delay_alu|s_clause|s_code_end", HINT, 0),
        (r"v_(fma|mad)_mix.*neg\(0\)", OTHER, 0),  # a product alone, of what it converts
        (r"v_dual_fm|v_(fma|fmac|mac|mad|fmaak|fmamk|madak|madmk)_(legacy_)?f|v_(fma|mad)_mix", FMA, 1),
        (r"v_pk_fma|v_dot2", FMA, 2),
        (r"v_dot4", FMA, 4),
        (r"v_s?wmmac?_\w*16x16x16", MATRIX, 4096),
        (r"ds_(swizzle|permute|bpermute)|v_permlane|v_readlane|v_\w+_dpp\b", EXCHANGE, 0),
        (r"ds_", SHARED, 0),
        (r"buffer_|global_|flat_|scratch_|s_load|s_buffer", GLOBAL, 0),
        (r"v_(dual_)?mov|s_mov|v_perm_b32", MOVE, 0),
        (r"s_wait|s_nop|s_sleep|s_barrier", WAIT, 0),
        (r"s_cbranch|s_branch|s_endpgm|s_setpc", BRANCH, 0)),
    label=r"^(?P<name>BB\d+):", target=r"\b(?P<name>BB\d+)\b", joined=r":: (?P<op>v_dual_\w+)",
    leaves=r"^\t(s_branch|s_endpgm|s_setpc)")

NVIDIA = InstructionSet(
    "NVIDIA", "NAK assembly", r"^(?:@!?u?p\w+)?\s+(?:[\w. ]+?\s*= )?(?P<op>[a-z][\w.]*)(?=\s)", (
        (r"ffma", FMA, 1),
        (r"hfma2", FMA, 2),
        (r"dp4a|idp4", FMA, 4),
        (r"hmma\.m16n8k16", MATRIX, 2048),
        (r"hmma\.m16n8k8", MATRIX, 1024),
        (r"shfl|redux|vote|match", EXCHANGE, 0),
        (r"(ld|st|atom)\.shared|ldsm", SHARED, 0),
        (r"(ld|st|atom|red|suld|sust|ldc)\b", GLOBAL, 0),
        (r"u?mov\b|r2ur|movm|prmt", MOVE, 0),
        (r"nop|bar\b|membar|warpsync|depbar|bssy|bsync|bclear|bmov", WAIT, 0),
        (r"bra|exit|brx|jmp|ret|cont\b|brk\b", BRANCH, 0)),
    label=r"^block\S* \d+ (?P<name>L\d+)", target=r"\b(?P<name>L\d+)", cycles=r"// delay=(?P<number>\d+)",
    leaves=r"^\s+(bra pT|cont|brk|exit|ret)")

INTEL = InstructionSet(
    "Intel", "GEN Assembly", r"^(?:\([^)]*\))?\s+(?P<op>[a-z][\w.]*) ?\(\d+\)", (
        (r"mad\b|madm|mac\b", FMA, 1),
        (r"dp4a", FMA, 4),
        (r"dpas", MATRIX, 0),
        (r"send\w*\.slm|send.*bti\(254\)", SHARED, 0),
        (r"send", GLOBAL, 0),
        (r"mov", MOVE, 0),
        (r"sync|nop|wait", WAIT, 0),
        (r"while|if|else|endif|break|cont|jmpi|halt|brd|goto|join", BRANCH, 0)),
    label=r"^(?P<name>L\d+):", target=r"\bwhile\b.*\b(?P<name>L\d+)",
    lanes=r"^(?:\([^)]*\))?\s+[a-z][\w.]* ?\((?P<number>\d+)\)")

ADRENO = InstructionSet(
    "Adreno", "IR3 Assembly", r"^(?:\(\w+\) ?)*(?P<op>[a-z][\w.]*)(?=\s|$)", (
        (r"mad\.f", FMA, 1),
        (r"dp4acc", FMA, 4),
        (r"dp2acc", FMA, 2),
        (r"shfl|quad_|brcst|getlast|movs", EXCHANGE, 0),
        (r"ldl|stl", SHARED, 0),
        (r"isam|ldib|stib|ldg|stg|ldc|stc|stsc|ldp|stp|resinfo", GLOBAL, 0),
        (r"mov", MOVE, 0),
        (r"nop|bar|fence|sleep", WAIT, 0),
        (r"br|jump|end|ret|shpe|shps|predt|predf|prede|getone|kill", BRANCH, 0)),
    label=r"^(?P<name>l\d+):", target=r"#(?P<name>l\d+)", repeats=r"\(rpt(?P<number>\d+)\)",
    idles=r"\(nop(?P<number>\d+)\)", leaves=r"^(?:\(\w+\) ?)*(jump|end)", end=r"^; ")

APPLE = InstructionSet(
    "Apple", "", r"^\s*[0-9a-f]+: [0-9a-f]+ +(?P<op>[a-z]\w*)", (
        (r"h?ffma", FMA, 1),
        (r"shuffle|simd_|quad_|ballot", EXCHANGE, 0),
        (r"lload|lstore", SHARED, 0),
        (r"device_|load|store|uniform_|stack_", GLOBAL, 0),
        (r"mov|ldimm", MOVE, 0),
        (r"wait|barrier|nop|fence", WAIT, 0),
        (r"jmp|stop|if|else|while|pop_exec|push_exec|call|ret", BRANCH, 0)),
    target=r"jmp_\w+ +(?P<distance>-?\d+)", address=r"^\s*(?P<hex>[0-9a-f]+): [0-9a-f]+ ",
    end=r"^\s*[0-9a-f]+: \w+ +stop", asked_by=("AGX_MESA_DEBUG", "shaders"))

_MALI = (
    (r"FMA\.f32|FMA_RSCALE", FMA, 1),
    (r"FMA\.v2f16", FMA, 2),
    (r"(IDP|DOT)4|V4S8_DOT", FMA, 4),
    (r"CLPER|WMASK", EXCHANGE, 0),
    (r"(LOAD|STORE)\.i\d+\.wls", SHARED, 0),
    (r"LOAD|STORE|LD_|ST_|LEA|ATOM", GLOBAL, 0),
    (r"MOV|MKVEC|SWZ", MOVE, 0),
    (r"NOP|BARRIER", WAIT, 0),
    (r"BRANCH|JUMP", BRANCH, 0))

# Bifrost issues two operations at once, to the units * and +.
BIFROST = InstructionSet(
    "Bifrost", "Assembly", r"^\s+\*(?P<op>[A-Z]\S*)", _MALI, label=r"^(?P<name>clause_\d+):",
    target=r"\b(?P<name>clause_\d+)", joined=r"^\s+\+(?P<op>[A-Z]\S*)", leaves=r"\+JUMP")

# Shared memory is addressed like any other on Valhall, by a pointer; loads of keys and values are LD_PKA.
VALHALL = InstructionSet(
    "Valhall", "Assembly", r"^\s{3}(?P<op>[A-Z]\S*)", (
        (r"LOAD\.|STORE\.", SHARED, 0), *_MALI),
    target=r"offset:(?P<distance>-?\d+)", stride=1, base=1, leaves=r"BRANCHZ\S*\.eq\S* 0x0,")

# V3D multiplies and adds in two units at once; shared memory goes through the same unit as all other.
V3D = InstructionSet(
    "V3D", "QPU", r"^(?P<op>[a-z]\S*)", (
        (r"fmul|vfmul", FMA, 1),
        (r"shuffle|rotate|quad", EXCHANGE, 0),
        (r"ldtmu|tmuwt", GLOBAL, 0),
        (r"b\.|bu\.|b$", BRANCH, 0),
        (r"mov", MOVE, 0),
        (r"nop|barrierid|thrsw|ldunif|ldvary|ldtlbu?$", WAIT, 0)),
    target=r"^bu?\.\w+ +(?P<distance>-?\d+)", stride=8, base=4, slots=3, joined=r"; (?P<op>[a-z]\S*)")

# A group of operations is one instruction; they name their phases.
POWERVR = InstructionSet(
    "PowerVR", "", r"^\s+\d{4}: (?:\(\w+\) |if\(\S+\) )*\{.*?(?:ctrl|backend|p0|p2?(?:_\w+)?): (?P<op>[a-z]\S*)", (
        (r"fmad", FMA, 1),
        (r"ld|st|uvsw|smp|atomic|idf|doutw", GLOBAL, 0),
        (r"mbyp|movc|mov|pck", MOVE, 0),
        (r"wdf|nop|mutex|depbar|barrier", WAIT, 0),
        (r"br|cnd|ba\b", BRANCH, 0)),
    label=r"^\s*block (?P<name>B\d+):", target=r"\bbr\S* (?P<name>B\d+)", joined=r"\bp[12](?:_\w+)?: (?P<op>[a-z]\S*)",
    leaves=r"\d: \{ ctrl: br ", begin="shader ir after passes",
    asked_by=("PCO_DEBUG_PRINT", "cs"))

_BY_ICD = {"radeon": AMD, "nouveau": NVIDIA, "intel": INTEL, "freedreno": ADRENO, "asahi": APPLE, "broadcom": V3D,
           "powervr_mesa": POWERVR}


def of(device):
    """The set that a device's driver prints; None where it prints none."""
    if device.icd == "panfrost":
        return VALHALL if "Valhall" in device.name else BIFROST
    return _BY_ICD.get(device.icd)
