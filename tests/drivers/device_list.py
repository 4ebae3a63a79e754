# SPDX-License-Identifier: MIT
"""The devices and what is run on them: data, and the choice by pattern. Opens nothing, so that --list works offline.

A Device is one driver on one (fake or software) device. A Run is one line of the report: an audit of a device, the
GPU tests on a software device (perhaps with caps or newer validation layers), or the check of the shaders.
"""
import dataclasses
import fnmatch

# What Debian packages go into which private folder. A suite "@system" is the release of the machine itself.
FOLDERS = {
    "sid-amd64": ("amd64", "sid", ("libvulkan1", "mesa-vulkan-drivers", "mesa-drm-shim", "vulkan-validationlayers",
                                   "glslang-tools", "spirv-tools")),
    "sid-arm64": ("arm64", "sid", ("libvulkan1", "mesa-vulkan-drivers", "mesa-drm-shim")),
    "trixie-amd64": ("amd64", "trixie", ("libvulkan1", "mesa-vulkan-drivers")),
    "devel-arm64": ("arm64", "@system", ("libcjson-dev", "libcmocka-dev", "libvulkan-dev", "libvulkan-volk-dev")),
}
GLSLANG_FOLDER = "sid-amd64"  # its glslang compiles all kernels, its loader brings the newest layers
SYSTEM = "system"  # not a folder: the machine's own drivers


@dataclasses.dataclass(frozen=True)
class Device:
    ident: str
    name: str
    family: str
    folder: str
    icd: str  # usr/share/vulkan/icd.d/<icd>_icd.json
    shim: str = ""  # lib<shim>_noop_drm_shim.so; "" = it needs none
    environment: tuple = ()  # (name, value) pairs
    raise_version: bool = False  # claims Vulkan 1.0 only because its kernel is faked: the layer raise_version.c

    @property
    def executes(self):
        return not self.shim


@dataclasses.dataclass(frozen=True)
class Run:
    ident: str
    name: str
    kind: str  # "audit", "loops", "execute", "validate" or "shaders"
    device: Device
    programs: tuple = ()  # of build/tests/gpu, without test_; each with its arguments after a space
    full: tuple = ()  # the same with --full; () = as `programs`
    environment: tuple = ()
    defects: tuple = ()  # validate: what tests/drivers/test_layers.c must see reported first
    layers: str = ""  # validate: the folder whose loader and layers are used
    scope: str = "workgroup"  # "subgroup": a build for tests, whose layout matrix_workgroup is made of a subgroup's matrices
    default: bool = True  # False: only with --full or named by --only


def _family(family, folder, icd, shim, variable, rows, **more):
    """One device for each "value id name" of `rows`; "-" as variable sets none."""
    devices = []
    for row in rows:
        value, ident, name = row.split(" ", 2)
        environment = more.get("environment", ()) + (((variable, value),) if variable else ())
        devices.append(Device(ident, name, family, folder, icd, shim, environment,
                              raise_version=value in more.get("raised", ())))
    return devices


# RADV has VK_NV_cooperative_matrix2 where it has matrices, but shows it only to those who ask.
DEVICES = (
    _family("amd", "sid-amd64", "radeon", "amdgpu", "AMDGPU_GPU_ID", (
        "polaris10 amd-polaris10 AMD Polaris 10 (GCN 4)",
        "vega10 amd-vega10 AMD Vega 10 (GCN 5)",
        "vega20 amd-vega20 AMD Vega 20 (GCN 5.1)",
        "raven amd-raven AMD Raven (GCN 5, integrated)",
        "renoir amd-renoir AMD Renoir (GCN 5, integrated)",
        "navi10 amd-navi10 AMD Navi 10 (RDNA 1)",
        "navi21 amd-navi21 AMD Navi 21 (RDNA 2)",
        "rembrandt amd-rembrandt AMD Rembrandt (RDNA 2, integrated)",
        "navi31 amd-navi31 AMD Navi 31 (RDNA 3)",
        "navi33 amd-navi33 AMD Navi 33 (RDNA 3)",
        "phoenix amd-phoenix AMD Phoenix (RDNA 3, integrated)",
        "strix1 amd-strix1 AMD Strix (RDNA 3.5, integrated)",
        "gfx1201 amd-gfx1201 AMD Navi 48 (RDNA 4)"), environment=(("radv_cooperative_matrix2_nv", "true"),))
    + _family("nvidia", "sid-amd64", "nouveau", "nouveau", "NOUVEAU_CHIPSET", (
        "132 nvidia-132 NVIDIA Pascal",
        "142 nvidia-142 NVIDIA Volta",
        "164 nvidia-164 NVIDIA Turing",
        "174 nvidia-174 NVIDIA Ampere",
        "194 nvidia-194 NVIDIA Ada",
        "1b2 nvidia-1b2 NVIDIA Blackwell"))
    + _family("intel", "sid-amd64", "intel", "intel", "INTEL_STUB_GPU_PLATFORM", (
        "skl intel-skl Intel Skylake (Gen 9)",
        "kbl intel-kbl Intel Kaby Lake (Gen 9.5)",
        "icl intel-icl Intel Ice Lake (Gen 11)",
        "tgl intel-tgl Intel Tiger Lake (Xe)",
        "adl intel-adl Intel Alder Lake (Xe)",
        "dg2 intel-dg2 Intel Arc Alchemist (Xe HPG)",
        "mtl intel-mtl Intel Meteor Lake (Xe LPG)",
        "arl intel-arl Intel Arrow Lake (Xe LPG+)",
        "lnl intel-lnl Intel Lunar Lake (Xe2)",
        "bmg intel-bmg Intel Battlemage (Xe2)"))
    + _family("qualcomm", "sid-amd64", "freedreno", "freedreno", "FD_GPU_ID", (
        "610 adreno-610 Qualcomm Adreno 610",
        "618 adreno-618 Qualcomm Adreno 618",
        "660 adreno-660 Qualcomm Adreno 660",
        "702 adreno-702 Qualcomm Adreno 702",
        "730 adreno-730 Qualcomm Adreno 730",
        "740 adreno-740 Qualcomm Adreno 740",
        "750 adreno-750 Qualcomm Adreno 750",
        "810 adreno-810 Qualcomm Adreno 810",
        "830 adreno-830 Qualcomm Adreno 830"), raised=("610", "702"))
    + _family("apple", "sid-amd64", "asahi", "asahi", "", ("- apple-m1 Apple M1",))
    + _family("arm", "sid-arm64", "panfrost", "panfrost", "PAN_GPU_ID", (
        "a867 mali-g610 ARM Mali-G610 (Valhall)",
        "ac74 mali-g310 ARM Mali-G310 (Valhall)",
        "7212 mali-g52 ARM Mali-G52 (Bifrost)",
        "7402 mali-g52r1 ARM Mali-G52 r1 (Bifrost)",
        "7211 mali-g76 ARM Mali-G76 (Bifrost)",
        "6221 mali-g72 ARM Mali-G72 (Bifrost)",
        "7093 mali-g31 ARM Mali-G31 (Bifrost)"), raised=("7212", "7402", "7211", "6221", "7093"),
        environment=(("PAN_I_WANT_A_BROKEN_VULKAN_DRIVER", "1"),))
    + _family("broadcom", "sid-arm64", "broadcom", "v3d", "V3D_GPU_ID", (
        "42 pi-4 Raspberry Pi 4 (V3D 4.2)",
        "71 pi-5 Raspberry Pi 5 (V3D 7.1)"))
    + _family("imagination", "sid-arm64", "powervr_mesa", "powervr", "", ("- powervr-bxs Imagination PowerVR BXS",),
              environment=(("PVR_I_WANT_A_BROKEN_VULKAN_DRIVER", "1"),))
    + [Device("lvp-system", "lavapipe of the system", "software", SYSTEM, "lvp")]
    + _family("software", "trixie-amd64", "lvp", "", "LP_NATIVE_VECTOR_WIDTH", (
        "256 lvp25 lavapipe 25, subgroup size 8",))
    + _family("software", "sid-amd64", "lvp", "", "LP_NATIVE_VECTOR_WIDTH", (
        "128 lvp26-4 lavapipe 26, subgroup size 4",
        "256 lvp26-8 lavapipe 26, subgroup size 8",
        "512 lvp26-16 lavapipe 26, subgroup size 16"))
    + _family("software", "sid-arm64", "lvp", "", "", ("- lvp26-arm64 lavapipe 26, arm64 under qemu",))
)


def device(ident):
    return next(d for d in DEVICES if d.ident == ident)


# ---- What is run on them -------------------------------------------------------------------------------------------

FULL = ("harness", "recording", "cost", "cache_file", "statistics", "limits", "properties", "dense", "neighborhood", "scores",
        "lists", "boxes", "list_bias", "list_limits", "pool", "append", "select", "select_groups", "topk", "sparse", "combine",
        "merge_cases", "selection_cases", "methods", "mechanisms", "cases", "masks", "scores_dense", "dot", "sequences", "mass",
        "repack", "hostile", "same_bits", "same_bits_tasks", "record_parts", "parts", "million", "tuning", "long_grids", "ops")
# Of the op matrix all families on the device as it is: 16 cases each, in f32 and f16, or 8 of either sort, or 8 in f32; or
# 8 of attention alone.
OPS = "ops --caps 0 --count 880"
HALF_OF_OPS = "ops --caps 0 --count 440"
FEW_OPS = "ops --caps 0 --count 88"
FEW_OF_ATTENTION = "ops --caps 0 --count 32"

# Programs by default, within the time of a CI run and with shaders never compiled before. The whole lists are --full's, and run
# on the system's own lavapipe in tests/run.sh. On one device, with the layout MATRIX:
WHOLE = ("harness", "recording", "cache_file", "statistics", "properties", "dense", "lists", "boxes", "pool", "append",
         "select", "topk", "sparse", "combine", "merge_cases", "dot", "repack", OPS)
# Every family and dtype, without what takes longest.
SHORT = ("harness", "recording", "statistics", "hostile 0", "pool", "append", "select", "topk", "sparse", "combine", OPS)

# The layout MATRIX2 alone, whose kernels take LLVM longest: a run of their own, and not in those of all programs.
MATRIX2 = (FEW_OF_ATTENTION,)
MATRIX2_FULL = ("properties", "dense", "neighborhood", "lists", "sequences", OPS, "long_grids")
NO_MATRIX2 = "without=cooperative_matrix_2"

# The layout MATRIX_WORKGROUP alone, in the build whose matrices are a subgroup's.
WORKGROUP = (FEW_OF_ATTENTION,)
WORKGROUP_FULL = ("properties", "dense", "neighborhood", "lists", "boxes", "list_bias", "sequences", OPS, "long_grids")

# What depends on how wide a subgroup is.
WIDTHS = ("harness", "recording", "statistics", "repack", OPS)

# Of every family what instrumented shaders, which take LLVM seconds each, leave time for.
INSTRUMENTED = ("harness", "recording", "statistics", "hostile 0", HALF_OF_OPS)

# Under qemu, where both compiling and computing are slower: every kind of kernel, and attention of all families in few problems.
EMULATED = ("harness", "recording", "statistics", "pool", "append", "select", FEW_OF_ATTENTION)

# Without random problems, whose rows are too long for the smallest of bindings.
SPLIT = ("harness", "recording", "statistics", "properties")

# Where what is missing changes which tile or layout attention takes, and nothing of the other tasks.
TILES = ("harness", FEW_OPS)

# Devices with less, pretended by tests/gpu/gpu_harness.c: the name after "+", VATTEN_TEST_CAPS, programs.
CAPS = (
    ("no-subgroups", "no_subgroups", ("harness", "properties", FEW_OPS)),
    ("shared-16k", "shared=16384", TILES),
    ("invocations-128", "invocations=128", TILES),
    ("range-64k", "range=65536", SPLIT),
    ("range-1m", "range=1048576", ("harness", "recording", "pool", "append", "select", "sparse", "combine", FEW_OPS)),
    ("no-f16", "without=storage_16bit", ("harness", "pool", "append", "select", FEW_OPS)),
    ("no-push", "without=push_descriptor", ("harness", "recording", "select", "sparse", FEW_OPS)),
    ("no-size-control", "without=subgroup_size_control", TILES),
)

# Instrumented shaders are so long that LLVM's optimisation takes more time than it saves.
_SYNC = (("VK_VALIDATION_VALIDATE_SYNC", "1"), ("VK_VALIDATION_SYNCVAL_SHADER_ACCESSES_HEURISTIC", "1"))
_GPU = _SYNC + (("VK_VALIDATION_GPUAV_ENABLE", "1"), ("VK_VALIDATION_GPUAV_SHARED_MEMORY_DATA_RACE", "1"),
                ("GALLIVM_PERF", "nopt"))
# The device, the name after "+", what it is, the defects of test_layers.c that must be reported under these settings
# of the layer, programs. lavapipe 26 crashes in shaders that the layer has instrumented (it follows the layer's own pointers
# for lanes that are switched off), lavapipe 25 runs them.
LAYERS = (
    ("lvp26-8", "sync", "synchronization validation", ("barrier",), _SYNC + (("VATTEN_TEST_CAPS", NO_MATRIX2),), SHORT + ("sequences",)),
    ("lvp25", "gpu", "GPU-assisted validation", ("barrier", "bounds", "race"), _GPU, INSTRUMENTED),
)


def _execution_runs():
    runs = [Run(f"run:{d.ident}", d.name, "execute", d, *programs, default=d.folder != SYSTEM)
            for d, programs in (
                (device("lvp-system"), (FULL,)),
                (device("lvp25"), (SHORT, FULL)),
                (device("lvp26-8"), (WHOLE, FULL)),
                (device("lvp26-4"), (WIDTHS, FULL)),
                (device("lvp26-16"), (WIDTHS, FULL)),
                (device("lvp26-arm64"), (EMULATED, SHORT)))]
    base = device("lvp26-8")
    runs = [dataclasses.replace(run, environment=(("VATTEN_TEST_CAPS", NO_MATRIX2),)) if run.device == base else run for run in runs]
    runs.append(Run(f"run:{base.ident}+matrix2", f"{base.name}, with the layout MATRIX2", "execute", base, MATRIX2, MATRIX2_FULL,
                    (("VATTEN_TEST_LAYOUT", "matrix2"),)))
    runs.append(Run(f"run:{base.ident}+matrix_workgroup", f"{base.name}, the layout MATRIX_WORKGROUP of a subgroup's matrices",
                    "execute", base, WORKGROUP, WORKGROUP_FULL, (("VATTEN_TEST_LAYOUT", "matrix_workgroup"),), scope="subgroup"))
    runs += [Run(f"run:{base.ident}+{name}", f"{base.name}, caps {words}", "execute", base, programs,
                 environment=(("VATTEN_TEST_CAPS", f"{words},{NO_MATRIX2}"),)) for name, words, programs in CAPS]
    runs += [Run(f"layers:{ident}+{name}", f"{device(ident).name}, {what}", "validate", device(ident), programs, FULL,
                 settings, defects, GLSLANG_FOLDER) for ident, name, what, defects, settings, programs in LAYERS]
    return runs


RUNS = tuple([Run(f"audit:{d.ident}", d.name, "audit", d) for d in DEVICES if not d.executes]
             + _execution_runs()
             + [Run("shaders", "all kernels with a newer glslang", "shaders", device("lvp26-8"))]
             + [Run(f"loops:{d.ident}", d.name, "loops", d, default=False) for d in DEVICES if not d.executes])


class UnknownPattern(Exception):
    pass


def _matches(run, pattern):
    pattern = pattern.lower()
    if any(letter in pattern for letter in "*?["):
        return any(fnmatch.fnmatchcase(text.lower(), pattern) for text in (run.ident, run.device.ident, run.name))
    return any(pattern in text.lower() for text in (run.ident, run.name, run.device.family))


def choose(patterns=(), kinds=(), full=False):
    """The runs asked for, in the order of the list. A pattern is a part of an id, name or family, or a shell pattern
    for one of them as a whole. Runs of the kind "loops" are chosen by their kind only. Raises UnknownPattern for a
    pattern that finds nothing."""
    for pattern in patterns:
        if not any(_matches(run, pattern) for run in RUNS):
            raise UnknownPattern(f"no device or run matches '{pattern}': see tests/drivers/run.sh --list")
    chosen = [run for run in RUNS if (run.kind in kinds if kinds else run.kind != "loops")]
    if patterns:
        return [run for run in chosen if any(_matches(run, pattern) for pattern in patterns)]
    return [run for run in chosen if run.default or full or run.kind == "loops"]


def programs_of(run, full):
    return run.full if full and run.full else run.programs
