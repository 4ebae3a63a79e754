// SPDX-License-Identifier: MIT
//
// How the words of a key come to the lanes of the layout ADDRESS: by address, which all lanes share, so that a driver for a
// CPU loads each once, for all lanes, and without a branch for the end of a buffer, which would keep its compiler from
// moving anything across. Offers what words_shuffled.glsl does.
//
// Nothing but the limits stands between an index and memory: lanes of a loop that is over may still load, with whatever they
// have in hand. So every row is held below the last one that is bound.

const uint DIM_STEP = QUAD;
const uint VALUE_STEP = QUAD;

// What all keys share, from before the loop: llvmpipe loads a push constant anew wherever it is named inside of one, behind a check.
uvec2 k_at;
uvec2 v_at;
uint k_start;
uint v_start;
uint k_last;
uint v_last;

void words_begin()
{
    k_at = push.k_address;
    v_at = push.v_address;
    k_start = k_origin();
    v_start = v_origin();
    k_last = push.k_limit;
    v_last = push.v_limit;
}

// A row is known by its address, so that a driver adds what is known of its elements to that without another instruction.
uvec2 address_of(uvec2 base, uint row)
{
    uint carry;
    uint low = uaddCarry(base.x, row * VT_KV_ELEM_BYTES, carry);
    return uvec2(low, base.y + carry);
}

#ifdef VT_KV_BYTES
#define RowAt uint
RowAt own_k_row(uint token) { return min(k_start + k_place(token), k_last); }
RowAt own_v_row(uint token) { return min(v_start + v_place(token), v_last); }
vec4 word_k(RowAt row, uint c) { return load_k4(row, c); }
vec4 word_v(RowAt row, uint c) { return load_v4(row, c); }
#else
#define RowAt uvec2
RowAt own_k_row(uint token) { return address_of(k_at, min(k_start + k_place(token), k_last)); }
RowAt own_v_row(uint token) { return address_of(v_at, min(v_start + v_place(token), v_last)); }

#if VT_DTYPE == VT_F16 && !defined(VT_WIDE) // fours of f16 have to be unpacked, one by one they are converted
#define VT_FOURS false
#else
#define VT_FOURS true
#endif

#define VT_ADDRESS_LOADER(NAME, BOUND)                                                                               \
    vec4 NAME(RowAt row, uint c)                                                                                     \
    {                                                                                                                \
        vec4 x = vec4(0.0);                                                                                          \
        if (VT_FOURS && VECTOR != 0u)                                                                                \
            return c < (BOUND) ? vt_kv_to_f32x4(VtElems4(row).at[c / QUAD]) : x;                                     \
        [[unroll]] for (uint e = 0u; e < QUAD; ++e)                                                                  \
            if (c + e < (BOUND))                                                                                     \
                x[e] = vt_kv_to_f32(VtElems(row).at[c + e]);                                                         \
        return x;                                                                                                    \
    }
VT_ADDRESS_LOADER(word_k, DIM)
VT_ADDRESS_LOADER(word_v, VALUE_DIM)
#endif

vec4 spread_k(vec4 word, uint j) { return word; }
vec4 spread_v(vec4 word, uint j) { return word; }

// Each product is rounded once, with its sum: such drivers make one instruction of it, but only when told to.
float add_products(float sum, vec4 q, vec4 x)
{
    [[unroll]] for (uint e = 0u; e < QUAD; ++e)
        sum = fma(q[e], x[e], sum);
    return sum;
}
vec4 add_scaled(vec4 y, float p, vec4 x) { return fma(vec4(p), x, y); }

// Never done, but no compiler knows: so LLVM cannot take all products of a key at once, which it would, to wait for one after
// the other and load every query anew for each key. 16 elements of a query stay in registers.
void part_words(uint c)
{
    if (c % 16u == 0u && gl_NumWorkGroups.x == 0u)
        store_out(0u, 0u, score[0]);
}
