// SPDX-License-Identifier: MIT
//
// How keys and values of the current tile become matrices, for layout_matrix_workgroup.glsl: [dim, key], the transpose of what
// stands in memory, and [key, dim]. Past the real dims, and where no key is, they are 0.
//
// Maps say where the keys of a tile stand in equal steps. Such a stretch is loaded as a whole, by a tensor layout: the
// tile's only one by a layout that begins before it and ends behind it, where what is outside gives 0; one of several by
// a view that leaves the rest of the matrix as it is. Tensors begin at multiples of 16 bytes, hence only where VECTOR says
// that all rows do. Else, and where stretches are too short, each element looks up where its key stands.
//
// A map offers: MAP_STRETCHES (which of VT_STRETCH_* its tiles are), MAP_STEP (tokens from a key of a stretch to the next),
// map_there (first key of the tile that exists, and end), and if there may be several map_stretch (keys from key c on that
// stand in equal steps, itself included) and map_stretch_most (as many as that are at most, whatever the key).

layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQMatrix { VT_MATRIX_ELEM q_matrix[]; };
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtKMatrix { VT_MATRIX_ELEM k_matrix[]; };
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtVMatrix { VT_MATRIX_ELEM v_matrix[]; };

const uint STRETCH_LEAST = 8u; // keys of a stretch that a load of its own pays for: a tile of 64 has 8 loads then

bool by_stretches()
{
    if (VECTOR != VT_VECTOR_EIGHT || MAP_STRETCHES == VT_STRETCH_NONE)
        return false;
    return MAP_STRETCHES == VT_STRETCH_ONE || map_stretch_most() >= STRETCH_LEAST;
}

VT_MATRIX_ELEM key_element(const in uint d, const in uint c, const in VT_MATRIX_ELEM x, const in uint origin)
{
    return d < DIM ? k_matrix[origin + k_place(map_key_token(c)) + d] : x;
}

VT_MATRIX_ELEM value_element(const in uint c, const in uint d, const in VT_MATRIX_ELEM x, const in uint origin)
{
    return d < VALUE_DIM ? v_matrix[origin + v_place(map_key_token(c)) + d] : x;
}

// Keys [first, end) of the tile stand `step` elements apart, the first one at element `at`.
#ifdef VT_TENSORS
#define VT_TENSOR tensorLayoutNV<2, gl_CooperativeMatrixClampModeConstantNV>
#define VT_TENSOR_MADE createTensorLayoutNV(2, gl_CooperativeMatrixClampModeConstantNV)

// Multiples of 8, which compilers make wider loads of.
#define VT_STRETCH_TENSOR(T, STEP, COUNT, BOUND)                                                                     \
    VT_TENSOR T = setTensorLayoutDimensionNV(VT_TENSOR_MADE, COUNT, BOUND);                                          \
    T = setTensorLayoutStrideNV(T, (STEP) & ~7u, 1u)

void load_key_tile(out VT_MATRIX_K key, uint at, uint step, uint first, uint end)
{
    VT_STRETCH_TENSOR(tensor, step, end - first, DIM);
    tensor = sliceTensorLayoutNV(tensor, -int(first), KEYS, 0, DIM_PAD);
    coopMatLoadTensorNV(key, k_matrix, at & ~7u, tensor, createTensorViewNV(2, false, 1, 0));
}

void load_value_tile(out VT_MATRIX_V value, uint at, uint step, uint first, uint end)
{
    VT_STRETCH_TENSOR(tensor, step, end - first, VALUE_DIM);
    tensor = sliceTensorLayoutNV(tensor, -int(first), KEYS, 0, VALUE_PAD);
    coopMatLoadTensorNV(value, v_matrix, at & ~7u, tensor);
}

void load_key_stretch(inout VT_MATRIX_K key, uint at, uint step, uint first, uint end)
{
    VT_STRETCH_TENSOR(tensor, step, end - first, DIM);
    tensor = sliceTensorLayoutNV(tensor, 0, end - first, 0, DIM_PAD);
    tensorViewNV<2, false, 1, 0> view = createTensorViewNV(2, false, 1, 0);
    view = setTensorViewClipNV(view, 0u, DIM_PAD, first, end - first);
    coopMatLoadTensorNV(key, k_matrix, at & ~7u, tensor, view);
}

void load_value_stretch(inout VT_MATRIX_V value, uint at, uint step, uint first, uint end)
{
    VT_STRETCH_TENSOR(tensor, step, end - first, VALUE_DIM);
    tensor = sliceTensorLayoutNV(tensor, 0, end - first, 0, VALUE_PAD);
    tensorViewNV<2, false, 0, 1> view = createTensorViewNV(2, false, 0, 1);
    view = setTensorViewClipNV(view, first, end - first, 0u, VALUE_PAD);
    coopMatLoadTensorNV(value, v_matrix, at & ~7u, tensor, view);
}
#else
VT_MATRIX_ELEM key_of_stretch(const in uint d, const in uint c, const in VT_MATRIX_ELEM x, const in uint at,
                              const in uint step, const in uint first, const in uint end)
{
    return d < DIM && c >= first && c < end ? k_matrix[at + (c - first) * step + d] : x;
}

VT_MATRIX_ELEM value_of_stretch(const in uint c, const in uint d, const in VT_MATRIX_ELEM x, const in uint at,
                                const in uint step, const in uint first, const in uint end)
{
    return d < VALUE_DIM && c >= first && c < end ? v_matrix[at + (c - first) * step + d] : x;
}

void load_key_stretch(inout VT_MATRIX_K key, uint at, uint step, uint first, uint end)
{
    coopMatPerElementNV(key, key, key_of_stretch, at, step, first, end);
}

void load_value_stretch(inout VT_MATRIX_V value, uint at, uint step, uint first, uint end)
{
    coopMatPerElementNV(value, value, value_of_stretch, at, step, first, end);
}

void load_key_tile(out VT_MATRIX_K key, uint at, uint step, uint first, uint end)
{
    key = VT_MATRIX_K(VT_MATRIX_ELEM(0.0));
    load_key_stretch(key, at, step, first, end);
}

void load_value_tile(out VT_MATRIX_V value, uint at, uint step, uint first, uint end)
{
    value = VT_MATRIX_V(VT_MATRIX_ELEM(0.0));
    load_value_stretch(value, at, step, first, end);
}
#endif

void load_keys(out VT_MATRIX_K key)
{
    uint origin = k_origin();
    uvec2 there = map_there();
    if (by_stretches() && MAP_STRETCHES == VT_STRETCH_ONE) {
        load_key_tile(key, origin + k_place(map_key_token(there.x)), push.k_token * MAP_STEP, there.x, there.y);
        return;
    }
    key = VT_MATRIX_K(VT_MATRIX_ELEM(0.0));
    if (!by_stretches()) {
        coopMatPerElementNV(key, key, key_element, origin);
        return;
    }
    for (uint c = there.x, end; c < there.y; c = end) {
        end = min(c + map_stretch(c), there.y);
        load_key_stretch(key, origin + k_place(map_key_token(c)), push.k_token * MAP_STEP, c, end);
    }
}

void load_values(out VT_MATRIX_V value)
{
    uint origin = v_origin();
    uvec2 there = map_there();
    if (by_stretches() && MAP_STRETCHES == VT_STRETCH_ONE) {
        load_value_tile(value, origin + v_place(map_key_token(there.x)), push.v_token * MAP_STEP, there.x, there.y);
        return;
    }
    value = VT_MATRIX_V(VT_MATRIX_ELEM(0.0));
    if (!by_stretches()) {
        coopMatPerElementNV(value, value, value_element, origin);
        return;
    }
    for (uint c = there.x, end; c < there.y; c = end) {
        end = min(c + map_stretch(c), there.y);
        load_value_stretch(value, origin + v_place(map_key_token(c)), push.v_token * MAP_STEP, c, end);
    }
}
