/* SPDX-License-Identifier: MIT
 *
 * Published windows are settings of neighborhood attention. Each is run by its desc and compared with its own
 * definition, told here in the words of its paper or reference code: blocks and halos, not leaders and strides.
 * docs/mechanisms.md names the sources.
 */
#include "gpu_harness.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

/* What the definitions below read. */
typedef struct setting {
    uint32_t rank;
    int64_t extent[3], block, reach, shift;
} setting;

static int64_t axis_of(const setting *s, uint64_t token, uint32_t axis) {
    int64_t rest = (int64_t)token;
    for (uint32_t a = s->rank; a-- > axis + 1;) {
        rest /= s->extent[a];
    }
    return rest % s->extent[axis];
}

/* True iff `test` holds for the coordinates of both along every axis. */
static bool on_every_axis(const setting *s, uint64_t query, uint64_t key,
                          bool (*test)(const setting *, int64_t extent, int64_t q, int64_t k)) {
    for (uint32_t a = 0; a < s->rank; ++a) {
        if (!test(s, s->extent[a], axis_of(s, query, a), axis_of(s, key, a))) {
            return false;
        }
    }
    return true;
}

/* ---- The definitions ---- */

/* Blocked attention, HiLo's Hi-Fi, multi-window heads: the grid is cut into blocks, which do not see each other. The
 * last one of an axis may be short. */
static bool same_block(const setting *s, int64_t extent, int64_t q, int64_t k) {
    (void)extent;
    return q / s->block == k / s->block;
}

static bool blocked(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, same_block);
}

/* Sliding window: `reach` tokens to either side, as far as there are any. */
static bool near(const setting *s, int64_t extent, int64_t q, int64_t k) {
    (void)extent;
    return k - q <= s->reach && q - k <= s->reach;
}

static bool sliding(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, near);
}

/* Swin with shift: the map is rolled by -shift, cut into blocks, and in each block only tokens of one of the regions
 * [0, X - block), [X - block, X - shift), [X - shift, X) see each other. */
static int64_t swin_region(const setting *s, int64_t extent, int64_t at) {
    return (at >= extent - s->block) + (at >= extent - s->shift);
}

static bool swin_axis(const setting *s, int64_t extent, int64_t q, int64_t k) {
    int64_t q_at = (q - s->shift + extent) % extent, k_at = (k - s->shift + extent) % extent;
    return q_at / s->block == k_at / s->block && swin_region(s, extent, q_at) == swin_region(s, extent, k_at);
}

static bool swin(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, swin_axis);
}

/* HaloNet: all queries of a block see the block and a halo around it; keys and values are zero-padded by the halo. */
static bool in_halo(const setting *s, int64_t extent, int64_t q, int64_t k) {
    int64_t first = q / s->block * s->block;
    (void)extent;
    return k >= first - s->reach && k < first + s->block + s->reach;
}

static bool halo(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, in_halo);
}

/* The side of a halo block to the power of the rank, less what of it is on the grid. */
static uint64_t halo_padding(const void *user, uint64_t query) {
    const setting *s = user;
    int64_t all = 1, inside = 1;
    for (uint32_t a = 0; a < s->rank; ++a) {
        int64_t first = axis_of(s, query, a) / s->block * s->block;
        all *= s->block + 2 * s->reach;
        for (int64_t k = first - s->reach, n = 0; k <= first + s->block + s->reach; ++k) {
            if (k == first + s->block + s->reach) {
                inside *= n;
            }
            n += k >= 0 && k < s->extent[a];
        }
    }
    return (uint64_t)(all - inside);
}

/* TiC: a convolution's window of 2 reach + 1 around each query, zero-padded. */
static uint64_t tic_padding(const void *user, uint64_t query) {
    const setting *s = user;
    int64_t all = 1, inside = 1;
    for (uint32_t a = 0; a < s->rank; ++a) {
        int64_t at = axis_of(s, query, a), low = at - s->reach, high = at + s->reach;
        low = low < 0 ? 0 : low;
        high = high >= s->extent[a] ? s->extent[a] - 1 : high;
        all *= 2 * s->reach + 1;
        inside *= high - low + 1;
    }
    return (uint64_t)(all - inside);
}

/* Sliding tile attention: the window is `reach` tiles around the tile of the query, moved inward at the border. */
static bool in_tiles(const setting *s, int64_t extent, int64_t q, int64_t k) {
    int64_t tiles = extent / s->block, wide = 2 * s->reach + 1;
    int64_t first = q / s->block - s->reach;
    first = first > tiles - wide ? tiles - wide : first;
    first = first < 0 ? 0 : first;
    return k / s->block >= first && k / s->block < first + wide;
}

static bool sliding_tiles(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, in_tiles);
}

/* NAT: the `block` nearest tokens, the window moved inward at the border. */
static bool in_nearest(const setting *s, int64_t extent, int64_t q, int64_t k) {
    int64_t first = q - s->block / 2;
    first = first > extent - s->block ? extent - s->block : first;
    first = first < 0 ? 0 : first;
    return k >= first && k < first + s->block;
}

static bool nearest(const void *user, uint64_t query, uint64_t key) {
    return on_every_axis(user, query, key, in_nearest);
}

/* Trained biases, by head and index. */
static float trained(uint64_t head, uint64_t index) {
    return 2.0f * ref_random(77 + head, index);
}

/* NAT's table: along each axis index key - query + K - 1. */
static double nat_bias(const void *user, uint64_t head, uint64_t query, uint64_t key) {
    const setting *s = user;
    int64_t index = 0;
    for (uint32_t a = 0; a < s->rank; ++a) {
        index = index * (2 * s->block - 1) + axis_of(s, key, a) - axis_of(s, query, a) + s->block - 1;
    }
    return (double)trained(head, (uint64_t)index);
}

/* Swin's: places are counted in the window, and along each axis the index is query - key + M - 1. */
static double swin_bias(const void *user, uint64_t head, uint64_t query, uint64_t key) {
    const setting *s = user;
    int64_t index = 0;
    for (uint32_t a = 0; a < s->rank; ++a) {
        int64_t q = (axis_of(s, query, a) - s->shift + s->extent[a]) % s->extent[a] % s->block;
        int64_t k = (axis_of(s, key, a) - s->shift + s->extent[a]) % s->extent[a] % s->block;
        index = index * (2 * s->block - 1) + q - k + s->block - 1;
    }
    return (double)trained(head, (uint64_t)index);
}

/* What is handed over: NAT's table as it is, Swin's from its end to its beginning. */
static float nat_inputs(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                        uint64_t d) {
    (void)user;
    return slot == GPU_BIAS ? trained(head, d)
                            : ref_random((uint64_t)slot + 7, ((b * 1024 + token) * 4 + head) * 64 + d);
}

static float swin_inputs(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                         uint64_t d) {
    const setting *s = user;
    uint64_t entries = 1;
    for (uint32_t a = 0; a < s->rank; ++a) {
        entries *= (uint64_t)(2 * s->block - 1);
    }
    return nat_inputs(NULL, slot, b, token, head, slot == GPU_BIAS ? entries - 1 - d : d);
}

/* ---- The descs ---- */

/* Every axis alike; the rules of the oracle come from `own`. */
static void check(const char *name, const setting *s, ref_own_rule own, vatten_axis axis) {
    uint64_t extent[3] = {1, 1, 1};
    own.keys = 1;
    own.user = s;
    for (uint32_t a = 0; a < s->rank; ++a) {
        extent[a] = (uint64_t)s->extent[a];
        own.keys *= extent[a];
    }
    gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, s->rank, extent, 2, 1, 16);
    for (uint32_t a = 0; a < s->rank; ++a) {
        axis.extent = extent[a];
        p.hood.axis[a] = axis;
    }
    p.own = &own;
    p.value = own.bias == nat_bias ? nat_inputs : own.bias == swin_bias ? swin_inputs : NULL;
    p.user = s;
    p.hood.bias = own.bias ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
    p.small_tiles = !gpu_thorough(&device);
    p.hood.heads.write_lse = true;
    gpu_name(&p, "%s in %u axes of %u", name, s->rank, (unsigned)extent[0]);
    gpu_check_layouts(&device, &p);
}

static const setting shapes[] = {
    {1, {40, 1, 1}, 4, 3, 2}, {2, {16, 12, 1}, 4, 1, 1}, {2, {8, 24, 1}, 4, 2, 2}, {3, {4, 8, 8}, 4, 1, 2}};

static void test_blocked(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(shapes); ++n) {
        setting s = shapes[n];
        uint32_t block = (uint32_t)s.block;
        ref_own_rule own = {.sees = blocked};
        check("blocked", &s, own, (vatten_axis){.window = block, .stride = block, .dilation = 1});
        s.extent[0] += 3; /* a short last block */
        check("blocked, short", &s, own,
              (vatten_axis){.window = block, .stride = block, .dilation = 1, .edge = VATTEN_EDGE_CROP});
    }
    gpu_assert_clean(&device);
}

static void test_sliding_window(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(shapes); ++n) {
        check("sliding window", &shapes[n], (ref_own_rule){.sees = sliding},
              (vatten_axis){.window = 2 * (uint32_t)shapes[n].reach + 1,
                            .stride = 1,
                            .dilation = 1,
                            .edge = VATTEN_EDGE_CROP});
    }
    gpu_assert_clean(&device);
}

static void test_swin(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(shapes); ++n) {
        uint32_t block = (uint32_t)shapes[n].block;
        const vatten_axis axis = {
            .window = block, .stride = block, .dilation = 1, .roll = (uint64_t)shapes[n].shift};
        check("Swin without its bias", &shapes[n], (ref_own_rule){.sees = swin}, axis);
        check("Swin", &shapes[n], (ref_own_rule){.sees = swin, .bias = swin_bias}, axis);
    }
    gpu_assert_clean(&device);
}

static void test_nat(void **state) {
    (void)state;
    static const setting odd[] = {
        {1, {40, 1, 1}, 7, 0, 0}, {2, {9, 12, 1}, 5, 0, 0}, {3, {4, 5, 6}, 3, 0, 0}};
    for (unsigned n = 0; n < COUNT(odd); ++n) {
        check("NAT", &odd[n], (ref_own_rule){.sees = nearest, .bias = nat_bias},
              (vatten_axis){.window = (uint32_t)odd[n].block, .stride = 1, .dilation = 1});
    }
    gpu_assert_clean(&device);
}

/* Dynamic convolution and involution: out[y, x] = sum over a 3 x 5 patch around it of a kernel of the pixel's own, past
 * the border nothing. */
enum { CONV_H = 11, CONV_W = 14, CONV_HEADS = 2, CONV_DIM = 8 };

static float convolution_inputs(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                                uint64_t d) {
    (void)user;
    (void)b;
    return ref_random((uint64_t)slot + 40, (token * 4 + head) * 64 + d) / (slot == GPU_Q ? 4.0f : 1.0f);
}

static double convolved(int64_t y, int64_t x, uint64_t head, uint64_t d) {
    double sum = 0.0;
    for (int64_t i = 0; i < 3; ++i) {
        for (int64_t j = 0; j < 5; ++j) {
            int64_t ky = y + i - 1, kx = x + j - 2;
            if (ky >= 0 && ky < CONV_H && kx >= 0 && kx < CONV_W) {
                float w = convolution_inputs(NULL, GPU_Q, 0, (uint64_t)(y * CONV_W + x), head,
                                             (uint64_t)(i * 5 + j));
                sum += (double)w *
                       (double)convolution_inputs(NULL, GPU_V, 0, (uint64_t)(ky * CONV_W + kx), head, d);
            }
        }
    }
    return sum;
}

static void compare_convolution(const gpu_trial *trial) {
    for (uint64_t n = 0; n < CONV_H * CONV_W * CONV_HEADS * CONV_DIM; ++n) {
        uint64_t d = n % CONV_DIM, head = n / CONV_DIM % CONV_HEADS, token = n / CONV_DIM / CONV_HEADS;
        double want = convolved((int64_t)token / CONV_W, (int64_t)token % CONV_W, head, d);
        if (fabs((double)trial->out[n] - want) > ref_tolerance(trial->view[GPU_OUT].dtype)) {
            gpu_fail(&device, "dynamic convolution: token %u head %u dim %u is %g, not %g", (unsigned)token,
                     (unsigned)head, (unsigned)d, (double)trial->out[n], want);
            return;
        }
    }
}

static void test_dynamic_convolution(void **state) {
    (void)state;
    for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
        gpu_trial trial = {0};
        gpu_problem p =
            gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){CONV_H, CONV_W}, CONV_HEADS, CONV_HEADS, 0);
        p.hood.axis[0] = (vatten_axis){CONV_H, 3, 1, 1, false, VATTEN_EDGE_CROP, 0};
        p.hood.axis[1] = (vatten_axis){CONV_W, 5, 1, 1, false, VATTEN_EDGE_CROP, 0};
        p.hood.weights = true;
        p.hood.heads.value_dim = CONV_DIM;
        p.hood.heads.write_lse = false;
        p.value = convolution_inputs;
        gpu_name(&p, "dynamic convolution");
        gpu_set_layout(&device, &p, (vatten_layout)layout, true);
        if (gpu_has_layout(&device, (vatten_layout)layout)) {
            if (gpu_trial_begin(&device, &p, &trial) == VATTEN_SUCCESS && gpu_trial_run(&trial) &&
                gpu_trial_collect(&trial)) {
                compare_convolution(&trial);
            } else {
                gpu_fail(&device, "%s: %s", p.name, device.message);
            }
            gpu_trial_end(&trial);
        }
    }
    gpu_assert_clean(&device);
}

static void test_halonet(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(shapes); ++n) {
        uint32_t block = (uint32_t)shapes[n].block;
        check("HaloNet", &shapes[n], (ref_own_rule){.sees = halo, .padding = halo_padding},
              (vatten_axis){.window = block + 2 * (uint32_t)shapes[n].reach,
                            .stride = block,
                            .dilation = 1,
                            .edge = VATTEN_EDGE_ZERO});
    }
    gpu_assert_clean(&device);
}

static void test_tic(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(shapes); ++n) {
        check("TiC", &shapes[n], (ref_own_rule){.sees = sliding, .padding = tic_padding},
              (vatten_axis){.window = 2 * (uint32_t)shapes[n].reach + 1,
                            .stride = 1,
                            .dilation = 1,
                            .edge = VATTEN_EDGE_ZERO});
    }
    gpu_assert_clean(&device);
}

/* Windows of whole tiles that all queries of a tile share: stride = tile. */
static void test_sliding_tiles(void **state) {
    (void)state;
    static const setting tiled[] = {
        {1, {40, 1, 1}, 4, 1, 0}, {2, {20, 12, 1}, 4, 1, 0}, {3, {12, 6, 6}, 2, 1, 0}};
    for (unsigned n = 0; n < COUNT(tiled); ++n) {
        uint32_t tile = (uint32_t)tiled[n].block;
        check("sliding tiles", &tiled[n], (ref_own_rule){.sees = sliding_tiles},
              (vatten_axis){
                  .window = tile * (2 * (uint32_t)tiled[n].reach + 1), .stride = tile, .dilation = 1});
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocked), cmocka_unit_test(test_sliding_window),
        cmocka_unit_test(test_swin),    cmocka_unit_test(test_halonet),
        cmocka_unit_test(test_tic),     cmocka_unit_test(test_sliding_tiles),
        cmocka_unit_test(test_nat),     cmocka_unit_test(test_dynamic_convolution),
    };
    int opened = gpu_open(&device, "test_mechanisms", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
