/* SPDX-License-Identifier: MIT
 *
 * vatten: attention recorded into your own Vulkan command buffer.
 *
 * The way through this header: device -> plan -> recorder -> vatten_record.
 *
 *   vatten_device    what vatten keeps per VkDevice: layouts, shader modules, compiled pipelines
 *   vatten_plan      one problem shape: kernels chosen, pipelines compiled, sizes known; immutable
 *   vatten_recorder  the descriptors of one frame in flight; treat it like a VkCommandPool
 *   vatten_record    appends the plan's dispatches, and the barriers between them, to your command buffer
 *
 * Rules that hold everywhere and are not repeated below:
 *
 *  - Zero-initialise every struct. Zero in an optional field means its default; zero in a required field is
 * an error. Structs grow at the end, and zero in a new field will mean the old behaviour.
 *  - Structs and arrays passed in need only live until the call returns. Exceptions say so: the logger, the
 *    allocator and every Vulkan handle given to vatten_device_create must outlive the device.
 *  - Strides count elements. Offsets and sizes count bytes. Lengths and extents count tokens.
 *  - A function that fails returns a negative vatten_result, sets its out pointer to NULL, has told the
 * logger which rule was broken and with which numbers, and has left no trace in your command buffer.
 *  - Destroy functions accept NULL.
 *  - vatten never submits, waits, maps or prints, and keeps no global state.
 *
 * Threads: any number of threads may use one device and one plan at the same time, except for destroying
 * them. A recorder is used by one thread at a time. The logger and the allocator may be called from any of
 * them.
 *
 * This header includes no Vulkan header. It may stand before or after vulkan.h or volk.h, with or without
 * VK_NO_PROTOTYPES, in C11 or C++11.
 */
#ifndef VATTEN_VATTEN_H
#define VATTEN_VATTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VATTEN_VERSION_MAJOR 0
#define VATTEN_VERSION_MINOR 1
#define VATTEN_VERSION_PATCH 0

#if defined(VATTEN_SHARED) && defined(_WIN32)
#if defined(VATTEN_BUILDING)
#define VATTEN_API __declspec(dllexport)
#else
#define VATTEN_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define VATTEN_API __attribute__((visibility("default")))
#else
#define VATTEN_API
#endif

/* ---- Vulkan handles, declared exactly as vulkan_core.h does, so that either may come first ---- */

#ifndef VULKAN_CORE_H_
typedef struct VkInstance_T *VkInstance;
typedef struct VkPhysicalDevice_T *VkPhysicalDevice;
typedef struct VkDevice_T *VkDevice;
typedef struct VkCommandBuffer_T *VkCommandBuffer;
#if defined(__LP64__) || defined(_WIN64) || (defined(__x86_64__) && !defined(__ILP32__)) ||                  \
    defined(_M_X64) || defined(__ia64) || defined(_M_IA64) || defined(__aarch64__) ||                        \
    defined(__powerpc64__) || (defined(__riscv) && __riscv_xlen == 64)
typedef struct VkBuffer_T *VkBuffer;
typedef struct VkPipelineCache_T *VkPipelineCache;
#else
typedef uint64_t VkBuffer;
typedef uint64_t VkPipelineCache;
#endif
/* Vulkan's calling convention: stdcall on Windows, hard-float on 32-bit ARM Android, else C's own. */
#if defined(_WIN32)
#define VATTEN_VK_CALL __stdcall
#elif defined(__ANDROID__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7 && defined(__ARM_32BIT_STATE)
#define VATTEN_VK_CALL __attribute__((pcs("aapcs-vfp")))
#else
#define VATTEN_VK_CALL
#endif
typedef void(VATTEN_VK_CALL *PFN_vkVoidFunction)(void);
typedef PFN_vkVoidFunction(VATTEN_VK_CALL *PFN_vkGetInstanceProcAddr)(VkInstance instance, const char *pName);
#endif

/* ---- Results, logger, allocator ---- */

/* Numbers are pinned once given. */
typedef enum vatten_result {
    VATTEN_SUCCESS = 0,
    VATTEN_ERROR_INVALID_ARGUMENT = -1,   /* a documented rule was broken; the logger has the rule */
    VATTEN_ERROR_UNSUPPORTED = -2,        /* valid, but this device, or the features enabled on it, cannot */
    VATTEN_ERROR_OUT_OF_HOST_MEMORY = -3, /* your allocator, or a Vulkan call, ran out of host memory */
    VATTEN_ERROR_OUT_OF_DEVICE_MEMORY = -4, /* a Vulkan call ran out of device memory */
    VATTEN_ERROR_VULKAN = -5,               /* another Vulkan call failed; the logger names it */
    VATTEN_ERROR_RECORDER_FULL = -6 /* the recorder has no descriptor sets left: reset it or make it larger */
} vatten_result;

/* The enumerator's name, "VATTEN_SUCCESS" and so on; a fixed text for unknown numbers. Never NULL. */
VATTEN_API const char *vatten_result_name(vatten_result result);

/* major << 22 | minor << 12 | patch of the library that is linked, as VK_MAKE_API_VERSION packs it. */
VATTEN_API uint32_t vatten_version(void);

typedef enum vatten_log_level {
    VATTEN_LOG_ERROR = 1, /* why a call failed */
    VATTEN_LOG_WARN = 2,  /* works, but slower or otherwise than asked for */
    VATTEN_LOG_INFO = 3   /* choices made: device, quirks, kernels */
} vatten_log_level;

/* `write` gets one line without a line end; the text lives only during the call. NULL `write`: nothing is
 * said. */
typedef struct vatten_logger {
    void (*write)(void *user, vatten_log_level level, const char *message);
    void *user;
} vatten_logger;

/* Host memory. `allocate` returns memory aligned to `alignment` (a power of two, at most 64) or NULL;
 * `release` takes what allocate returned, never NULL. Both NULL: malloc and free; one of them alone is
 * INVALID_ARGUMENT. Vulkan's own host allocations are not routed here. */
typedef struct vatten_allocator {
    void *(*allocate)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *memory);
    void *user;
} vatten_allocator;

/* ---- Device ---- */

/* What the caller enabled when creating the VkDevice. Set a bit only if the device supports the feature *and*
 * you enabled it (extension and feature struct). Nothing is required; each bit widens what plans can do. Later
 * versions may know more bits: mask what vatten_features_supported says with those that you enable. */
typedef enum vatten_feature {
    VATTEN_FEATURE_STORAGE_16BIT = 1 << 0,   /* storageBuffer16BitAccess: the dtypes F16 and BF16 */
    VATTEN_FEATURE_PUSH_DESCRIPTOR = 1 << 1, /* VK_KHR_push_descriptor: recorders need no descriptor pool */
    /* subgroupSizeControl and computeFullSubgroups: faster kernels where the driver would otherwise be free to
     * vary the size */
    VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL = 1 << 2,
    /* VK_KHR_pipeline_executable_properties with pipelineExecutableInfo: vatten_plan_get_statistics answers.
     * For tools: drivers may compile slower with it. vatten_features_supported never recommends it. */
    VATTEN_FEATURE_PIPELINE_STATISTICS = 1 << 3,
    /* cooperativeMatrix of VK_KHR_cooperative_matrix, and what its shaders need: vulkanMemoryModel and
     * shaderFloat16 (Vulkan 1.2, or their extensions): the MATRIX layout, which also needs STORAGE_16BIT and
     * SUBGROUP_SIZE_CONTROL. Supported means that some product of f16 matrices with f32 sums is, and that this
     * build has the kernels. */
    VATTEN_FEATURE_COOPERATIVE_MATRIX = 1 << 4,
    /* shaderBFloat16Type and shaderBFloat16CooperativeMatrix of VK_KHR_shader_bfloat16, beside COOPERATIVE_MATRIX: its
     * layouts for bf16. Supported means that some product of bf16 matrices with f32 sums is, and that this build has
     * the kernels. */
    VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 = 1 << 5,
    /* cooperativeMatrixReductions, cooperativeMatrixConversions and cooperativeMatrixPerElementOperations of
     * VK_NV_cooperative_matrix2, beside COOPERATIVE_MATRIX: the MATRIX2 layout. Its kernels are SPIR-V 1.6 with a workgroup
     * size that is specialized: maintenance4 must be enabled too, and `instance` made with apiVersion >= 1.3. */
    VATTEN_FEATURE_COOPERATIVE_MATRIX_2 = 1 << 6,
    /* bufferDeviceAddress (Vulkan 1.2, or VK_KHR_buffer_device_address): the ADDRESS layout, which reads keys and values by
     * address. Set it only if every buffer that you record with as k, v, extra_k, extra_v or workspace has
     * VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT, and memory allocated with VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT. Supported
     * means that it pays: on Mesa's lavapipe since 26, where f32 attention is 1.7 times as fast by it. Elsewhere nothing uses it. */
    VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS = 1 << 7,
    /* cooperativeMatrixWorkgroupScope, cooperativeMatrixFlexibleDimensions, cooperativeMatrixTensorAddressing and the three
     * features of COOPERATIVE_MATRIX_2, with all that is said there: the MATRIX_WORKGROUP layout. Supported means that the
     * device lists f16 matrices of a workgroup with f32 sums, and that this build has the kernels. */
    VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP = 1 << 8,
    /* shaderFloat16 (Vulkan 1.2, or VK_KHR_shader_float16_int8): the PACKED layouts, which also need STORAGE_16BIT. */
    VATTEN_FEATURE_SHADER_FLOAT16 = 1 << 9,
    /* shaderMixedFloatDotProductFloat16AccFloat32 of VK_VALVE_shader_mixed_float_dot_product, beside SHADER_FLOAT16: the
     * MIXED layout. Supported means that this build has the kernels too. */
    VATTEN_FEATURE_MIXED_DOT_PRODUCT = 1 << 10,
    /* shaderIntegerDotProduct (Vulkan 1.3, or VK_KHR_shader_integer_dot_product): the DOT layout, for keys of bytes. Taken by
     * default where vatten_device_info.dots_accelerated. */
    VATTEN_FEATURE_INTEGER_DOT_PRODUCT = 1 << 11
} vatten_feature;
typedef uint32_t vatten_features; /* an OR of vatten_feature */

/* Which features are worth enabling on this physical device. Creates nothing. Returns 0 if a pointer is NULL.
 * `instance` must have been made with apiVersion >= 1.1, or with VK_KHR_get_physical_device_properties2.
 * Thread-safety: safe. */
VATTEN_API vatten_features vatten_features_supported(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                                     VkInstance instance, VkPhysicalDevice physical_device);

typedef struct vatten_device vatten_device;

typedef struct vatten_device_desc {
    PFN_vkGetInstanceProcAddr get_instance_proc_addr; /* required: the loader's, volk's or a layer's */
    VkInstance instance;                              /* required */
    VkPhysicalDevice physical_device;                 /* required */
    VkDevice device;                                  /* required */
    vatten_features features;                         /* what you enabled on `device` */
    /* Optional; with a warm one plans compile nothing on drivers that fill it (Mesa's lavapipe 22 does not).
     * You load, save and destroy it; it must have been made without
     * VK_PIPELINE_CACHE_CREATE_EXTERNALLY_SYNCHRONIZED_BIT. */
    VkPipelineCache pipeline_cache;
    vatten_logger logger;       /* optional */
    vatten_allocator allocator; /* optional */
    /* Limits to pretend, to test or tune for a smaller device; 0 = the device's own. They can only lower. */
    uint32_t cap_shared_bytes;  /* shared memory of a workgroup */
    uint32_t cap_invocations;   /* invocations of a workgroup */
    uint64_t cap_storage_range; /* bytes that one binding may hold */
    bool cap_no_subgroups;      /* as if the device had no subgroup operations beyond basic */
    /* Optional: the text of a tuning file, as vatten_tune writes them (docs/performance.md tells the format), and its
     * size in bytes without any end; 0 = none. Its rows for this device and driver are tried before the built-in
     * table's; those for others are left alone, and told as information. A row that does not fit a problem is passed
     * over like any row of the table. Text that breaks a rule is INVALID_ARGUMENT: no device is made. */
    const char *tuning;
    size_t tuning_size;
    /* Names of quirks (vatten_quirk_get), separated by spaces, as if the device had these too: a limit to pretend, as those
     * above are. NULL = none; a name that is unknown, or no quirk's but a merit's, is INVALID_ARGUMENT. */
    const char *cap_quirks;
    /* Push constants, a limit to pretend too. UNSUPPORTED below 128 bytes, which every device has. */
    uint32_t cap_push_bytes;
} vatten_device_desc;

/* Makes vatten's part of a VkDevice: a function table, two layouts, an empty pipeline map. Compiles no
 * pipeline. Errors: INVALID_ARGUMENT for a missing required field, a broken tuning text or an unknown quirk,
 * UNSUPPORTED below Vulkan 1.1, OUT_OF_*, VULKAN. Thread-safety: safe. */
VATTEN_API vatten_result vatten_device_create(const vatten_device_desc *desc, vatten_device **out_device);

/* A row of the table of what drivers do otherwise than others. Fixed texts, never NULL. */
typedef struct vatten_quirk {
    const char *name;
    const char *devices; /* drivers, versions and devices that have it */
    const char *effect;  /* what vatten does otherwise there, and why */
    const char *source;  /* who says so */
    bool
        fault; /* vatten_device_info.quirks tells it, and cap_quirks takes it; else a merit, which neither does */
} vatten_quirk;

/* The rows one by one: false when `index` is past the last, or `out` NULL. Needs no device. Thread-safety: safe. */
VATTEN_API bool vatten_quirk_get(uint32_t index, vatten_quirk *out);

/* What vatten found and decided about the device, caps and quirks applied. */
typedef struct vatten_device_info {
    char name[256];
    bool cpu;                 /* a software device: the ROWS layout is the default */
    vatten_features features; /* in use */
    uint32_t subgroup_size;   /* 1 when subgroup operations are not used */
    uint32_t subgroup_min;    /* sizes that the driver may choose from */
    uint32_t subgroup_max;
    uint32_t shared_bytes;
    uint32_t invocations;
    uint64_t storage_range;     /* bytes that one binding may hold */
    uint32_t storage_alignment; /* of buffer offsets, in bytes */
    /* Per stage; plans that write LSE or carry state between dispatches need 6, with a bias or lists 7,
     * with both 8. */
    uint32_t storage_buffers;
    uint32_t max_dim;  /* largest dim and value_dim of attention: VATTEN_MAX_DIM, or less by a quirk */
    uint64_t max_macs; /* default bound on the multiply-adds of one dispatch */
    char quirks[256];  /* names of the driver quirks in force, separated by spaces; "" = none */
    /* Products of f16 matrices that the MATRIX layout may use, M x N x K ("16x16x16 16x8x16"); "" = none. */
    char matrices[128];
    char bf16_matrices[128]; /* the same of bf16 */
    /* As Vulkan gives them: what the rows of a tuning file go by. VkDriverId and driverInfo are 0 and "" where the driver
     * does not tell. */
    uint32_t vendor_id;
    uint32_t device_id;
    uint32_t driver_id;
    uint32_t driver_version;
    char driver_info[256];
    uint32_t tuned_rows; /* rows of vatten_device_desc.tuning that are for this device */
    /* What MATRIX_WORKGROUP may use of f16, M x N x K / invocations ("32x32x16/128 32x64x16/256"): a workgroup has so many
     * invocations, rows of a tile are a multiple of M, keys of N and of K; "" = none. */
    char workgroup_matrices[256];
    char bf16_workgroup_matrices[256]; /* the same of bf16 */
    /* The device says that it multiplies four signed bytes at a time faster than one by one. */
    bool dots_accelerated;
    uint64_t max_moves;  /* default bound on the elements that one dispatch moves */
    uint32_t push_bytes; /* of push constants */
} vatten_device_info;

/* Thread-safety: safe. */
VATTEN_API void vatten_device_get_info(const vatten_device *device, vatten_device_info *out_info);

/* Checks the text of a tuning file (vatten_device_desc.tuning) against all of its rules; whether its rows fit a device
 * is not asked. Needs no device. Errors: INVALID_ARGUMENT, after one message that names the line (`logger` may be NULL).
 * Thread-safety: safe. */
VATTEN_API vatten_result vatten_tuning_check(const vatten_logger *logger, const char *text, size_t size);

/* Destroys the device. Its plans and recorders must be destroyed before, and the GPU done with their work. */
VATTEN_API void vatten_device_destroy(vatten_device *device);

/* ---- What all problem shapes share ---- */

typedef enum vatten_dtype {
    VATTEN_DTYPE_F32 = 1,
    VATTEN_DTYPE_F16 = 2,  /* needs VATTEN_FEATURE_STORAGE_16BIT */
    VATTEN_DTYPE_BF16 = 3, /* the upper 16 bits of an f32; needs VATTEN_FEATURE_STORAGE_16BIT */
    VATTEN_DTYPE_I8 =
        4 /* k and v only: 8-bit integers in blocks with a scale each, see vatten_heads.kv_dtype */
} vatten_dtype;

#define VATTEN_UNLIMITED ((int64_t)-1) /* a window side without a limit */
#define VATTEN_EMPTY     UINT64_MAX    /* in vatten_args: a length of zero (0 means the plan's length) */
#define VATTEN_MAX_DIM   576u          /* largest dim and value_dim; above 256 a slower path serves */

/* Distances in elements between neighbours along an axis; the innermost axis (dim) is contiguous. All zero:
 * packed [batch][token][head][dim]. Otherwise all three count as given, and 0 repeats one slice along that
 * axis (allowed for q, k and v, not for out). Negative strides are refused. */
typedef struct vatten_strides {
    int64_t batch;
    int64_t head;
    int64_t token;
} vatten_strides;

/* Which kernel layout carries a plan. ROWS needs subgroup shuffles and dims up to 256. MATRIX needs dtype F16
 * or BF16, dims up to 256 and VATTEN_FEATURE_COOPERATIVE_MATRIX (of BF16 VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 too), and
 * rounds the softmax's weights to that dtype. */
typedef enum vatten_layout {
    VATTEN_LAYOUT_AUTO = 0,
    VATTEN_LAYOUT_ROWS = 1,     /* many query rows per lane, no barrier, no shared memory: CPU devices */
    VATTEN_LAYOUT_SUBGROUP = 2, /* several lanes per query row, K/V staged in shared memory: GPUs */
    VATTEN_LAYOUT_SHARED = 3,   /* the same without any subgroup operation */
    VATTEN_LAYOUT_MATRIX = 4,   /* products by cooperative matrices: GPUs with matrix units, F16 and BF16 */
    /* All lanes of a subgroup share all rows: dense attention of few queries over many keys, or of dims above 256, on CPU
     * devices. Needs subgroup shuffles and 8 storage buffers per stage. */
    VATTEN_LAYOUT_STREAM = 5,
    /* The same products as MATRIX, with all that is between them in the same matrices: needs
     * VATTEN_FEATURE_COOPERATIVE_MATRIX_2 as well, and is taken only when asked for. */
    VATTEN_LAYOUT_MATRIX2 = 6,
    /* ROWS, with keys and values by address: CPU devices whose driver loads what all lanes share once. Needs
     * VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS and 152 bytes of push constants, but no subgroup operation. */
    VATTEN_LAYOUT_ADDRESS = 7,
    /* The tile as matrices of the whole workgroup, K and V loaded by tensor layouts: needs
     * VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP beside what MATRIX does, and is taken only when asked for. Rows, keys and
     * workgroup must be what vatten_device_info.workgroup_matrices says, and lanes_per_row keys. */
    VATTEN_LAYOUT_MATRIX_WORKGROUP = 8,
    /* SUBGROUP with Q, K and V in f16 in shared memory, and products in f16, two at a time: GPUs without matrices whose f16
     * is twice as fast as their f32. Dtype F16 only, needs VATTEN_FEATURE_SHADER_FLOAT16, and is taken only when asked for, here
     * or in a tuning file, since it has less precision and a range: docs/semantics.md, Numbers. */
    VATTEN_LAYOUT_PACKED = 9,
    VATTEN_LAYOUT_PACKED_SHARED = 10, /* the same without any subgroup operation */
    /* SUBGROUP with Q, K and V in f16 in shared memory, half of it then, and all products and sums in f32: as exact as
     * SUBGROUP. Dtype F16 only, needs VATTEN_FEATURE_SHADER_FLOAT16, and is taken only when asked for. */
    VATTEN_LAYOUT_HALF = 11,
    /* HALF, with two products of scores at a time: needs VATTEN_FEATURE_MIXED_DOT_PRODUCT as well. */
    VATTEN_LAYOUT_MIXED = 12,
    /* SUBGROUP, with scores by integer dot products: keys of bytes (kv_dtype I8) with a kv_block that is a multiple of 16.
     * Needs VATTEN_FEATURE_INTEGER_DOT_PRODUCT. */
    VATTEN_LAYOUT_DOT = 13,
    VATTEN_LAYOUT_COUNT /* one past the last; newer versions have more */
} vatten_layout;

/* Asks for a tile instead of the tuning table's choice, to test or tune; 0 in a field leaves it to the table.
 * A tile that does not fit the device is refused with UNSUPPORTED. */
typedef struct vatten_tile {
    vatten_layout layout;
    uint32_t workgroup;     /* invocations */
    uint32_t rows;          /* query rows of a workgroup */
    uint32_t keys;          /* keys of one step of the loop */
    uint32_t lanes_per_row; /* invocations that share a query row; 1 for ROWS, keys for MATRIX_WORKGROUP */
} vatten_tile;

/* Shapes below: B batch, S tokens, H heads, D dim. Inputs and output have one dtype; sums are always f32. */
typedef struct vatten_heads {
    vatten_dtype dtype; /* required */
    uint64_t batch;     /* required */
    uint32_t heads;     /* required: query heads */
    uint32_t kv_heads;  /* required: a divisor of heads; query head h reads KV head h / (heads / kv_heads) */
    uint32_t dim;       /* required: 1..VATTEN_MAX_DIM, of q and k; with weights 0 */
    uint32_t value_dim; /* 1..VATTEN_MAX_DIM, of v and out; 0 = dim */
    float scale;        /* multiplies q . k; 0 = 1/sqrt(dim); must be finite */
    vatten_strides q;   /* [B, Sq, heads, dim] */
    vatten_strides k;   /* [B, Sk, kv_heads, dim] */
    vatten_strides v;   /* [B, Sk, kv_heads, value_dim] */
    vatten_strides out; /* [B, Sq, heads, value_dim] */
    bool write_lse;     /* also write the natural-log log-sum-exp, f32, packed [B, heads, Sq] */
    /* Bound on the multiply-adds of one dispatch, query-key pairs x (dim + value_dim): the plan splits itself
     * to keep it, down to one tile of queries by one tile of keys, or by one plane of axis 0 of a grid. 0 = by
     * device class, for about 50 ms. */
    uint64_t max_macs;
    vatten_tile tile;  /* optional override */
    const char *label; /* optional, at most 63 bytes are kept: stands before each message about this plan */
    /* Dense plans: of k and v (extra keys too); 0 = dtype, or I8: a row is a sequence of blocks, each a scale (f32) and then
     * kv_block signed bytes x, of which each stands for scale * x. Rules: kv_block a multiple of 4, dim and value_dim
     * multiples of kv_block; strides of k and v count bytes, and are multiples of 4. Converted on load, to f32. */
    vatten_dtype kv_dtype;
    uint32_t kv_block;
    /* Bound on the elements that one dispatch reads and writes where it multiplies little: of stages that pool, choose, list,
     * copy or merge, here and in vatten_append_create. 0 = by device class, for about 50 ms. Kept down to the least part. */
    uint64_t max_moves;
} vatten_heads;

/* ---- Plans ---- */

typedef struct vatten_plan vatten_plan;

/* Which key stands on a query's diagonal when the lengths differ. */
typedef enum vatten_align {
    VATTEN_ALIGN_LAST = 0, /* key i + kv_len - q_len on query i's: the last query meets the last key */
    VATTEN_ALIGN_FIRST = 1 /* key i on query i's, as torch's is_causal */
} vatten_align;

/* Keys counted from the diagonal, both bounds inclusive; VATTEN_UNLIMITED lifts one. "W keys including self"
 * under causality is left = W - 1. */
typedef struct vatten_window {
    bool enabled; /* false: no window, left and right are ignored */
    int64_t left;
    int64_t right;
} vatten_window;

/* What is added to a score before the softmax, in natural units; -inf hides a pair. */
typedef enum vatten_bias {
    VATTEN_BIAS_NONE = 0,
    /* By where the key lies from the query (Swin, NAT, HaloNet): args.bias holds a table for each head, f32, packed
     * [heads][2 k - 1 along each axis], k the window along the axis, with head_axes the largest of all heads. Entry
     * k - 1 + offset of an axis is for a key `offset` positions after the query in their dilation group, after a roll.
     * Keys of EDGE_ZERO off the grid have the bias of where they would be in place of score 0; extra keys have none. */
    VATTEN_BIAS_RELATIVE = 1,
    VATTEN_BIAS_TENSOR = 2, /* a number for each pair: see vatten_attention_desc, vatten_lists_desc */
    VATTEN_BIAS_AXES = 3 /* dense only: for each query a sum of numbers of the key's coordinates on a grid */
} vatten_bias;

/* How sparse attention with lists of single queries is executed (vatten_sparse_desc). */
typedef enum vatten_sparse_execution {
    VATTEN_SPARSE_AUTO = 0,
    VATTEN_SPARSE_UNION = 1, /* neighbouring queries visit the blocks that any of them goes by */
    VATTEN_SPARSE_GATHER = 2 /* queries are gathered by the block that they go by, and merged */
} vatten_sparse_execution;

typedef struct vatten_plan_info {
    char kernel[64];     /* name of the main kernel: <op>_<map>_<dtype>_<layout>... */
    vatten_tile tile;    /* the tile that was chosen */
    uint32_t dispatches; /* dispatches of one record at full lengths */
    uint32_t pipelines;  /* distinct pipelines among them */
    uint64_t q_bytes;    /* bytes that each buffer must hold from its offset on; 0 = not used by this plan */
    uint64_t k_bytes;
    uint64_t v_bytes;
    uint64_t out_bytes;
    uint64_t lse_bytes;
    uint64_t extra_k_bytes;
    uint64_t extra_v_bytes;
    uint64_t workspace_bytes;  /* from args.workspace, or from a recorder made with at least this much */
    uint64_t offset_alignment; /* every buffer offset must be a multiple of this many bytes */
    uint64_t pairs;            /* visible query-key pairs of one head of one batch entry, the mean of heads */
    uint64_t flops;            /* 2 x pairs x (dim + value_dim), all heads and batch entries */
    uint64_t bytes;            /* least traffic: every input read once, every output written once */
    uint64_t max_macs;         /* the bound that the split kept */
    uint64_t largest_macs;     /* multiply-adds of its largest dispatch, tiles counted whole */
    uint32_t refused_tiles;    /* better tiles that the driver failed to compile, each told to the logger */
    uint32_t shared_bytes;     /* shared memory of a workgroup */
    uint32_t box[3];           /* neighborhoods: queries of a workgroup along each axis; else 0 */
    uint64_t bias_bytes;       /* as q_bytes */
    uint64_t lists_bytes;
    uint64_t counts_bytes;
    vatten_sparse_execution execution; /* sparse plans: the one that was taken; else AUTO */
    uint64_t tables_bytes;             /* as q_bytes */
    uint64_t state_bytes;
    uint32_t splits; /* dense plans: how many workgroups share the keys of a query tile */
    uint32_t
        tile_heads; /* dense plans: query heads that share a query tile; rows of a tile are queries x heads */
    uint64_t cache_k_bytes; /* as q_bytes */
    uint64_t cache_v_bytes;
    uint64_t weights_bytes;
    /* Why it is this tile, in a few words: of the row of the tuning table, or of the tuning file, that it is from;
     * "as asked for" where vatten_heads.tile has a size; "" where a plan has no tile. */
    char tile_reason[128];
    uint64_t
        max_moves; /* as max_macs: the bound on elements moved by dispatches that are not attention's loop */
    uint64_t largest_moves; /* of the one that moves most; 0 = there is none */
} vatten_plan_info;

/* Thread-safety: safe. */
VATTEN_API void vatten_plan_get_info(const vatten_plan *plan, vatten_plan_info *out_info);

/* One figure that the driver's compiler gives about a pipeline of a plan: registers, spills, instructions.
 * Which figures there are, and what they mean, is the driver's own affair (VkPipelineExecutableStatisticKHR). */
typedef struct vatten_statistic {
    char kernel[64];        /* as in vatten_plan_info */
    char executable[256];   /* some drivers compile a kernel more than once, for several subgroup sizes */
    uint32_t subgroup_size; /* of the executable */
    char name[256];
    char description[256];
    double value;
} vatten_statistic;

/* Fills `statistics` with at most `*count` figures and sets `*count` to how many were filled; with `statistics`
 * NULL, to how many there are. The device must have been made with VATTEN_FEATURE_PIPELINE_STATISTICS. A driver
 * may have none to give. Errors: INVALID_ARGUMENT (NULL plan or count), UNSUPPORTED (without the feature),
 * OUT_OF_*, VULKAN; `*count` is then 0. Thread-safety: safe. */
VATTEN_API vatten_result vatten_plan_get_statistics(const vatten_plan *plan, vatten_statistic *statistics,
                                                    uint32_t *count);

/* The GPU must be done with every command buffer that recorded the plan. */
VATTEN_API void vatten_plan_destroy(vatten_plan *plan);

/* ---- Recording ---- */

typedef struct vatten_recorder vatten_recorder;

typedef struct vatten_recorder_desc {
    uint32_t max_dispatches; /* descriptor sets between two resets; 0 = 256. Not used with push descriptors */
    /* Size of a device-local buffer that plans may use as workspace; 0 = none. Records that use it are
     * ordered by vatten's barriers within one queue. */
    uint64_t workspace_bytes;
} vatten_recorder_desc;

/* Errors: INVALID_ARGUMENT, OUT_OF_*, VULKAN. `desc` may be NULL for all defaults. Thread-safety: safe. */
VATTEN_API vatten_result vatten_recorder_create(vatten_device *device, const vatten_recorder_desc *desc,
                                                vatten_recorder **out_recorder);

/* Makes all descriptor sets free again; the GPU must be done with everything recorded since the last
 * reset. */
VATTEN_API void vatten_recorder_reset(vatten_recorder *recorder);

/* The GPU must be done with everything recorded through it. */
VATTEN_API void vatten_recorder_destroy(vatten_recorder *recorder);

/* A range of a VkBuffer that has VK_BUFFER_USAGE_STORAGE_BUFFER_BIT. */
typedef struct vatten_buffer {
    VkBuffer buffer;
    uint64_t offset; /* bytes, a multiple of vatten_plan_info.offset_alignment */
    uint64_t size;   /* bytes from offset on, checked against the plan's need; 0 = not checked */
} vatten_buffer;

typedef struct vatten_args {
    vatten_buffer q;
    vatten_buffer k;
    vatten_buffer v;
    vatten_buffer out;
    vatten_buffer lse;     /* required iff the plan writes LSE, or goes by it (vatten_mass_create) */
    vatten_buffer extra_k; /* required iff the plan has extra keys */
    vatten_buffer extra_v;
    vatten_buffer workspace; /* required iff the plan needs more than the recorder has; any content */
    /* Dense plans, and plans that append to their caches: actual lengths, at most the plan's; 0 = the plan's, VATTEN_EMPTY = none. Strides and the
     * layout of LSE stay those of the plan's lengths. Rows from q_len on are not written. Lengths in tables count as these where
     * they are longer; attention over packed sequences takes none here. */
    uint64_t q_len;
    uint64_t kv_len;
    vatten_buffer bias; /* required iff the plan has a bias */
    vatten_buffer
        lists; /* required iff the plan goes by lists, or makes them; or by ids (vatten_mass_desc) */
    vatten_buffer counts;  /* required iff the plan writes counts */
    vatten_buffer tables;  /* required iff the plan has tables (vatten_attention_tables) */
    vatten_buffer state;   /* required iff the plan carries a state in or out */
    vatten_buffer cache_k; /* required iff the plan appends to a cache (vatten_append_create) */
    vatten_buffer cache_v;
    vatten_buffer weights; /* required iff the plan weighs queries (vatten_mass_desc) */
} vatten_args;

/* Appends the plan to `command_buffer`, which must be in the recording state, outside a render pass, and be
 * run on a queue with compute. Binds a compute pipeline, descriptor set 0 and push constants: rebind yours
 * afterwards.
 *
 * Barriers: those between vatten's own dispatches are recorded. Yours to record:
 *   before: whatever wrote q, k, v    -> VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT
 *           whatever used out and lse -> VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT
 *   after:  VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT -> whatever reads out and lse
 * A workspace of your own counts like out: used by two records, it needs a barrier between them.
 *
 * out, lse and workspace must not overlap each other or any input; inputs may overlap.
 * Errors: INVALID_ARGUMENT (missing, misaligned or too small buffer; length above the plan's; plan or
 * recorder of another device), RECORDER_FULL. After an error nothing was recorded. Allocates, locks
 * and compiles nothing. Thread-safety: one thread per recorder and per command buffer. */
VATTEN_API vatten_result vatten_record(vatten_recorder *recorder, VkCommandBuffer command_buffer,
                                       const vatten_plan *plan, const vatten_args *args);

/* Long work a piece at a time, so that what else a queue has to do comes in between: part `part` of `parts`, counted from 0, of what
 * vatten_record would append, cut between dispatches into shares of about equal work. A plan has vatten_plan_info.dispatches of them,
 * none longer than its bound on work allows; with more parts than that some are empty. All parts, in ascending order, on one queue,
 * give what one record gives, to the bit: each in its own command buffer or several in one, with the same `args`. Each begins with a
 * barrier that waits for those before. Until the last part has run nothing else may write the inputs, out, lse or the workspace, so
 * a recorder's own workspace serves no other record meanwhile; a part takes descriptor sets for its own dispatches only.
 * Errors and the rest: as vatten_record, and INVALID_ARGUMENT unless part < parts. */
VATTEN_API vatten_result vatten_record_part(vatten_recorder *recorder, VkCommandBuffer command_buffer,
                                            const vatten_plan *plan, const vatten_args *args, uint32_t part,
                                            uint32_t parts);

#ifdef __cplusplus
}
#endif

#include <vatten/cache.h>        /* appending to what dense attention reads */
#include <vatten/dense.h>        /* dense attention */
#include <vatten/lists.h>        /* attention over lists, and what makes lists */
#include <vatten/mass.h>         /* what dense attention looks at */
#include <vatten/neighborhood.h> /* attention in windows on grids of tokens */

#endif /* VATTEN_VATTEN_H */
