// SPDX-License-Identifier: MIT
//
// Scores of layout_split.glsl as products of words of four elements: Q stays in shared memory, K goes through it in chunks of
// DIM_CHUNK dims.

const uint Q_STRIDE = DIM_PAD / 4u + 1u;                  // one word more than needed spreads rows over the banks
const uint K_STRIDE = DIM_CHUNK / 4u + 1u;

shared Word stage_q[ROWS * Q_STRIDE];
shared Word stage_kv[KEYS * STAGE_WORDS];

// Macros, since as functions turnip spills for them on Adreno 6xx where pairs have a bias.
#define stage_value(AT, X) stage_kv[AT] = word_of(X)
#define staged_value(AT) stage_kv[AT]

void stage_queries()
{
    uint origin = row_origin();
    for (uint i = gl_LocalInvocationIndex; i < ROWS * (DIM_PAD / 4u); i += WORKGROUP) {
        uint row = i / (DIM_PAD / 4u);
        uint d = i % (DIM_PAD / 4u);
        stage_q[row * Q_STRIDE + d] = query_word(load_row4(origin + row_place(row), d * 4u), row_scale(row));
    }
}

void stage_keys(uint chunk)
{
    uint origin = step_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * (DIM_CHUNK / 4u); i += WORKGROUP) {
        uint c = i / (DIM_CHUNK / 4u);
        uint d = i % (DIM_CHUNK / 4u);
        stage_kv[c * K_STRIDE + d] =
            word_of(load_step4(origin + step_place(map_key_token(c)), chunk * DIM_CHUNK + d * 4u));
    }
}

void multiply_chunk(uint chunk)
{
    for (uint d = 0u; d < DIM_CHUNK / 4u; d += CHAIN_WORDS) {
        Chain key[COL_COUNT];
        [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
            key[j] = read_chain(stage_kv, lane_col(j) * K_STRIDE + d);
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i) {
            Chain query = read_chain(stage_q, lane_row(i) * Q_STRIDE + chunk * (DIM_CHUNK / 4u) + d);
            [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
                score[i * COL_COUNT + j] = multiply_chain(query, key[j], score[i * COL_COUNT + j]);
        }
    }
}

void score_tile()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT * COL_COUNT; ++i)
        score[i] = 0.0;
    for (uint chunk = 0u; chunk < DIM_PAD / DIM_CHUNK; ++chunk) {
        barrier(); // nobody reads the staged values of before any more
        stage_keys(chunk);
        barrier();
        multiply_chunk(chunk);
    }
    scale_scores();
}
