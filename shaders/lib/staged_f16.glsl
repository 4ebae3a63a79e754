// SPDX-License-Identifier: MIT
//
// What of Q, K and V stands in shared memory in the layouts that keep it in f16, as it came from the buffers: half the
// memory, and half of what is read. Offers what staged_f32.glsl does, in one of three ways:
//
//   VT_PACKED  products and short sums in f16, two at a time; what is wider than that is f32
//   VT_MIXED   two products of a score at a time, with f32 sums (SPV_VALVE_mixed_float_dot_product); weights as below
//   else       everything is widened before it is multiplied
//
// PACKED. f16 has 11 bits and ends at 65504, so sums are short and begin near 1:
//   scores   a query is multiplied by a power of two near its scale, which rounds nothing, and the rest of the scale goes to
//            the finished score. Four products of even dims, and four of odd ones, are a chain; then both are widened.
//   weights  are of the tile's own maximum, not the row's: the largest in a tile is the same, whatever came before it, so a
//            key loses precision only beside others of its tile. Their sum is that of the rounded ones. A run of keys is
//            summed up in f16; `lift`, from the tile's maximum to the row's, joins where it is widened.
// docs/performance.md, f16 in shared memory, has the errors that follow.

#define Word f16vec4
Word word_of(vec4 x) { return Word(x); }

vec4 acc[ROW_COUNT * OUT_COUNT];
float scale_rest[ROW_COUNT]; // what a finished score is still to be multiplied by

void scale_scores()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            score[i * COL_COUNT + j] *= scale_rest[i];
}

#ifdef VT_PACKED
struct Chain {
    f16vec4 first;
    f16vec4 second;
};
#define read_chain(STAGE, AT) Chain(STAGE[AT], STAGE[(AT) + 1u])
const uint CHAIN_WORDS = 2u;
const uint RUN_KEYS = 2u;
// Binary orders of magnitude that the largest weight has above 1: what drivers take for 0, up to 2^-14, is that much smaller, and
// values may be as large as 65504 / (32 RUN_KEYS), about 1000.
const float WEIGHT_HEADROOM = 5.0;

f16vec4 run[ROW_COUNT * OUT_COUNT];
float lift[ROW_COUNT];

// The power of two below a scale, within what leaves queries their precision and range.
float scale_power(float scale)
{
    return clamp(uintBitsToFloat(floatBitsToUint(scale) & 0x7f800000u), 1.0 / 64.0, 1.0);
}

Word query_word(vec4 x, float scale) { return Word(x * scale_power(scale)); }

void start_products(uint i)
{
    float scale = row_scale(lane_row(i));
    scale_rest[i] = scale / scale_power(scale);
    lift[i] = 1.0; // weights that the caller gave
    [[unroll]] for (uint n = 0u; n < OUT_COUNT; ++n)
        run[i * OUT_COUNT + n] = f16vec4(0.0);
}

float multiply_chain(Chain query, Chain key, float sum)
{
    f16vec2 chain = query.first.xy * key.first.xy;
    chain = query.first.zw * key.first.zw + chain;
    chain = query.second.xy * key.second.xy + chain;
    chain = query.second.zw * key.second.zw + chain;
    return sum + float(chain.x) + float(chain.y);
}

// As soften_row, with weights of the tile's maximum.
float soften_scores(uint i, float seen)
{
    float tile_top = max(seen, ROW_MAX_START);
    float top = max(row_max[i], tile_top);
    float shrink = exp2(row_max[i] - top);
    float sum = 0.0;
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        score[i * COL_COUNT + j] = float(float16_t(exp2(score[i * COL_COUNT + j] - tile_top + WEIGHT_HEADROOM)));
        sum += score[i * COL_COUNT + j];
    }
    lift[i] = exp2(tile_top - top - WEIGHT_HEADROOM);
    row_max[i] = top;
    row_sum[i] = row_sum[i] * shrink + sum * lift[i];
    return shrink;
}

void add_value(uint i, uint n, float16_t weight, Word value) { run[i * OUT_COUNT + n] += weight * value; }

// After key `number` of the tile, counted in the order in which they are added up.
void end_key(uint number)
{
    if ((number + 1u) % RUN_KEYS == 0u || number + 1u == KEYS) {
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            [[unroll]] for (uint n = 0u; n < OUT_COUNT; ++n) {
                acc[i * OUT_COUNT + n] += lift[i] * vec4(run[i * OUT_COUNT + n]);
                run[i * OUT_COUNT + n] = f16vec4(0.0);
            }
    }
}
#else
#define Chain f16vec4
#define read_chain(STAGE, AT) STAGE[AT]
const uint CHAIN_WORDS = 1u;

#ifdef VT_MIXED
spirv_instruction(extensions = ["SPV_VALVE_mixed_float_dot_product"], capabilities = [6912], id = 6916)
float multiply_pair(f16vec2 a, f16vec2 b, float sum); // OpFDot2MixAcc32VALVE
#else
float multiply_pair(f16vec2 a, f16vec2 b, float sum) { return float(a.y) * float(b.y) + (float(a.x) * float(b.x) + sum); }
#endif

Word query_word(vec4 x, float scale) { return Word(x); }
void start_products(uint i) { scale_rest[i] = row_scale(lane_row(i)); }
float multiply_chain(Chain query, Chain key, float sum)
{
    return multiply_pair(query.zw, key.zw, multiply_pair(query.xy, key.xy, sum));
}
float soften_scores(uint i, float seen) { return soften_row(i, seen); }
void add_value(uint i, uint n, float weight, Word value) { acc[i * OUT_COUNT + n] += weight * vec4(value); }
void end_key(uint number) {}
#endif
