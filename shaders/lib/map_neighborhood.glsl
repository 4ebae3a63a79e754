// SPDX-License-Identifier: MIT
//
// Index map of neighborhood attention on a 1-D to 3-D token grid. A query tile is a box of one dilation
// group; it visits the box of keys between the window start of its first query and the window end of its last
// one (both never decrease along a group), walked in row-major order from that very start. Tokens are
// addressed by coordinate: nothing is permuted. See map_dense.glsl for what a map offers.
//
// Per axis, inside a group: p = coordinate / dilation, n = length of the group, window k, stride s (Hassani
// et al. 2025):
//   not causal: lead = min(p / s * s + s / 2, n - 1); keys [start, start + k),
//               start = clamp(lead - k / 2, 0, n - k)
//   causal:     lead = min(p / s * s + s - 1, n - 1); keys [start, p + 1), start = max(lead - k + 1, 0)
// On an open axis lead and start are not bounded, and [start, end) is cut to [0, n). On a rolled axis the
// coordinate is (x - roll) mod extent, and [start, end) is cut at the seam.

layout(constant_id = VT_SPEC_WINDOW + 0) const int WINDOW_0 = 1;
layout(constant_id = VT_SPEC_WINDOW + 1) const int WINDOW_1 = 1;
layout(constant_id = VT_SPEC_WINDOW + 2) const int WINDOW_2 = 1;
layout(constant_id = VT_SPEC_STRIDE + 0) const int STRIDE_0 = 1;
layout(constant_id = VT_SPEC_STRIDE + 1) const int STRIDE_1 = 1;
layout(constant_id = VT_SPEC_STRIDE + 2) const int STRIDE_2 = 1;
layout(constant_id = VT_SPEC_DILATION + 0) const int DILATION_0 = 1;
layout(constant_id = VT_SPEC_DILATION + 1) const int DILATION_1 = 1;
layout(constant_id = VT_SPEC_DILATION + 2) const int DILATION_2 = 1;
layout(constant_id = VT_SPEC_ROLL + 0) const int ROLL_0 = 0;
layout(constant_id = VT_SPEC_ROLL + 1) const int ROLL_1 = 0;
layout(constant_id = VT_SPEC_ROLL + 2) const int ROLL_2 = 0;
layout(constant_id = VT_SPEC_TABLE + 0) const int TABLE_0 = 1;
layout(constant_id = VT_SPEC_TABLE + 1) const int TABLE_1 = 1;
layout(constant_id = VT_SPEC_TABLE + 2) const int TABLE_2 = 1;
layout(constant_id = VT_SPEC_BOX + 0) const int BOX_0 = 1;
layout(constant_id = VT_SPEC_BOX + 1) const int BOX_1 = 1;
layout(constant_id = VT_SPEC_BOX + 2) const int BOX_2 = 1;

#define VT_PLANE (push.map0 * push.map1) // tokens of one plane of axis 0

const ivec3 MAP_WINDOW = ivec3(WINDOW_0, WINDOW_1, WINDOW_2);
const ivec3 MAP_STRIDE = ivec3(STRIDE_0, STRIDE_1, STRIDE_2);
const ivec3 MAP_DILATION = ivec3(DILATION_0, DILATION_1, DILATION_2);
const ivec3 MAP_BOX = ivec3(BOX_0, BOX_1, BOX_2);
const ivec3 MAP_ROLL = ivec3(ROLL_0, ROLL_1, ROLL_2);

ivec3 map_extent; // tokens along each axis
ivec3 map_group;  // dilation group of this workgroup
ivec3 map_n;      // length of that group
ivec3 map_p0;     // first query of the box, in group coordinates
ivec3 map_p1;     // last query of the box that exists
ivec3 map_key0;   // box of keys, in group coordinates: first key and size
ivec3 map_size;
int map_keys;     // keys in that box
vec3 map_inverse; // 1 / map_size
int map_u0;       // first key of the current tile, row-major in the box
bool map_uniform; // all queries of the box share one window

bool map_causal(int axis) { return (MASK & (VT_MASK_CAUSAL_AXES << axis)) != 0u; }
bool map_open(int axis) { return (MASK & (VT_MASK_OPEN_AXES << axis)) != 0u; }
bool map_zero(int axis) { return (MASK & (VT_MASK_ZERO_AXES << axis)) != 0u; }

int map_ceil_div(int a, int b) { return (max(a, 0) + b - 1) / b; }

// Where the window starts; on an open axis perhaps before 0.
int map_window_start(int axis, int p)
{
    int s = MAP_STRIDE[axis];
    int k = MAP_WINDOW[axis];
    int n = map_n[axis];
    int lead = p / s * s + (map_causal(axis) ? s - 1 : s / 2);
    int reach = map_causal(axis) ? k - 1 : k / 2;
    if (map_open(axis))
        return lead - reach;
    lead = min(lead, n - 1);
    return map_causal(axis) ? max(lead - reach, 0) : clamp(lead - reach, 0, n - k);
}

int map_window_end(int axis, int p)
{
    return map_causal(axis) ? p + 1 : map_window_start(axis, p) + MAP_WINDOW[axis];
}

// First position of the group that the roll took from the front to the back.
int map_seam(int axis) { return map_ceil_div(map_extent[axis] - MAP_ROLL[axis] - map_group[axis], MAP_DILATION[axis]); }

// The keys of position p are [start, end). Neither decreases along a group.
int map_start(int axis, int p)
{
    int start = map_window_start(axis, p);
    if (map_open(axis))
        start = max(start, 0);
    if (MAP_ROLL[axis] != 0 && p >= map_seam(axis))
        start = max(start, map_seam(axis));
    return start;
}

int map_end(int axis, int p)
{
    int end = map_window_end(axis, p);
    if (map_open(axis))
        end = min(end, map_n[axis]);
    if (MAP_ROLL[axis] != 0 && p < map_seam(axis))
        end = min(end, map_seam(axis));
    return end;
}

// Positions of the window of p that lie outside the axis and count all the same.
int map_padding(int axis, int p)
{
    if (!map_zero(axis))
        return 0;
    return max(-map_window_start(axis, p), 0) + max(map_window_end(axis, p) - map_n[axis], 0);
}

// From the workgroup index to a dilation group and a box of queries in it; boxes run fastest.
void map_locate()
{
    map_extent = ivec3(int(push.q_len), int(push.map0), int(push.map1));
    ivec3 units = ivec3(int(push.q_last - push.q_first), map_extent.yz);
    ivec3 boxes = ivec3(map_ceil_div(map_ceil_div(units.x, DILATION_0), BOX_0),
                        map_ceil_div(map_ceil_div(units.y, DILATION_1), BOX_1),
                        map_ceil_div(map_ceil_div(units.z, DILATION_2), BOX_2));
    int x = int(gl_WorkGroupID.x);
    map_p0.z = x % boxes.z * BOX_2;
    x /= boxes.z;
    map_p0.y = x % boxes.y * BOX_1;
    x /= boxes.y;
    map_p0.x = x % boxes.x * BOX_0 + int(push.q_first) / DILATION_0; // q_first is a multiple of DILATION_0 * BOX_0
    x /= boxes.x;
    map_group.z = x % DILATION_2;
    x /= DILATION_2;
    map_group.y = x % DILATION_1;
    map_group.x = x / DILATION_1;
    for (int a = 0; a < 3; ++a)
        map_n[a] = map_ceil_div(map_extent[a] - map_group[a], MAP_DILATION[a]);
    int last = map_ceil_div(int(push.q_last) - map_group.x, DILATION_0) - 1;
    map_p1 = min(map_p0 + MAP_BOX - 1, ivec3(last, map_n.yz - 1));
}

bool map_begin()
{
    map_locate();
    if (any(lessThan(map_p1, map_p0)))
        return false;
    map_uniform = true;
    for (int a = 0; a < 3; ++a) {
        map_key0[a] = map_start(a, map_p0[a]);
        map_size[a] = map_end(a, map_p1[a]) - map_key0[a];
        map_uniform = map_uniform && map_start(a, map_p1[a]) == map_key0[a] &&
                      map_end(a, map_p0[a]) == map_key0[a] + map_size[a];
    }
    int key_end = min(map_key0.x + map_size.x, map_ceil_div(int(push.k_last) - map_group.x, DILATION_0));
    map_key0.x = max(map_key0.x, map_ceil_div(int(push.k_first) - map_group.x, DILATION_0));
    map_size.x = key_end - map_key0.x;
    map_inverse = 1.0 / vec3(max(map_size, ivec3(1)));
    map_keys = all(greaterThan(map_size, ivec3(0))) ? map_size.x * map_size.y * map_size.z : 0;
    return true;
}

uint map_token(ivec3 p)
{
    uvec3 x = uvec3(p * MAP_DILATION + map_group + MAP_ROLL);
    [[unroll]] for (int a = 0; a < 3; ++a)
        if (MAP_ROLL[a] != 0)
            x[a] = min(x[a], x[a] - uint(map_extent[a])); // below 0 it wraps and is the larger one
    return (x.x * uint(map_extent.y) + x.y) * uint(map_extent.z) + x.z;
}

ivec3 map_query(uint row)
{
    int r = int(row);
    return min(map_p0 + ivec3(r / (BOX_1 * BOX_2), r / BOX_2 % BOX_1, r % BOX_2), map_p1);
}

uint map_row_token(uint row) { return map_token(map_query(row)); }
bool map_row_valid(uint row)
{
    int r = int(row);
    ivec3 p = map_p0 + ivec3(r / (BOX_1 * BOX_2), r / BOX_2 % BOX_1, r % BOX_2);
    return all(lessThanEqual(p, map_p1));
}

#define VT_ONE_RUN
uint map_run(uint r) { return uint((map_keys + int(KEYS) - 1) / int(KEYS)); }
void map_tile(uint i) { map_u0 = int(i * KEYS); }
bool map_tile_full() { return map_uniform && map_u0 + int(KEYS) <= map_keys; }

// Quotient and remainder of u / n for 0 <= u < 2^29. Integer division is slow on every device and scalar on
// some; the quotient of floats is off by little, its remainder's quotient by at most one.
ivec2 map_divide(int u, int n, float inverse)
{
    int quotient = int(float(u) * inverse);
    int rest = u - quotient * n;
    int more = int(floor(float(rest) * inverse));
    quotient += more;
    rest -= more * n;
    if (rest < 0)
        return ivec2(quotient - 1, rest + n);
    return rest >= n ? ivec2(quotient + 1, rest - n) : ivec2(quotient, rest);
}

ivec3 map_key_position(uint c)
{
    ivec2 row = map_divide(min(map_u0 + int(c), map_keys - 1), map_size.z, map_inverse.z);
    ivec2 plane = map_divide(row.x, map_size.y, map_inverse.y);
    return map_key0 + ivec3(plane.x, plane.y, row.y);
}

uint map_key_token(uint c) { return map_token(map_key_position(c)); }

bool map_weighs() { return (MASK & VT_MASK_WEIGHTS) != 0u; }

// A pair's entry is linear in key and query. Weights: q has a row for each query, in it the positions of its window
// from the window's start on. Biases: a table for each head, in it all offsets of a key from the query, from
// 1 - TABLE to TABLE - 1. In both the last axis runs fastest. Scalars, since SPIRV-Tools up to 2023 folds arithmetic on
// vectors of specialization constants into modules that are not valid.
#ifdef VT_BIAS
const bool MAP_ENTRIES = true;
const int SIDE_0 = 2 * TABLE_0 - 1;
const int SIDE_1 = 2 * TABLE_1 - 1;
const int SIDE_2 = 2 * TABLE_2 - 1;
#else
const bool MAP_ENTRIES = (MASK & VT_MASK_WEIGHTS) != 0u;
const int SIDE_1 = WINDOW_1;
const int SIDE_2 = WINDOW_2;
#endif

uint map_flat(ivec3 p) { return uint((p.x * SIDE_1 + p.y) * SIDE_2 + p.z); }

uint map_row_entry(uint row, ivec3 p)
{
#ifdef VT_BIAS
    uint head = push.head_first + gl_WorkGroupID.y;
    const int middle = ((TABLE_0 - 1) * SIDE_1 + TABLE_1 - 1) * SIDE_2 + TABLE_2 - 1; // offset 0
    return head * uint(SIDE_0 * SIDE_1 * SIDE_2) + uint(middle) - map_flat(p);
#else
    ivec3 start = ivec3(map_window_start(0, p.x), map_window_start(1, p.y), map_window_start(2, p.z));
    return q_origin() + map_token(p) * push.q_token - map_flat(start);
#endif
}

struct MapRow {
    ivec3 first;
    ivec3 end;
    uint entry;
};
struct MapKey {
    ivec3 p;
    bool exists;
    uint entry;
};

uint map_entry(MapRow row, MapKey key) { return row.entry + key.entry; }

MapRow map_row(uint row)
{
    ivec3 p = map_query(row);
    MapRow result;
    [[unroll]] for (int a = 0; a < 3; ++a) {
        result.first[a] = map_start(a, p[a]);
        result.end[a] = map_end(a, p[a]);
    }
    result.entry = MAP_ENTRIES ? map_row_entry(row, p) : 0u;
    return result;
}

// Keys with score 0 and value 0 that a row has on top. A float holds them: as many as a window has at most.
float map_zero_keys(uint row)
{
    if ((MASK & (7u * VT_MASK_ZERO_AXES)) == 0u)
        return 0.0;
    ivec3 p = map_query(row);
    float all = 1.0;
    float visible = 1.0;
    [[unroll]] for (int a = 0; a < 3; ++a) {
        float keys = float(map_end(a, p[a]) - map_start(a, p[a]));
        visible *= keys;
        all *= keys + float(map_padding(a, p[a]));
    }
    return all - visible;
}

#ifdef VT_BIAS
// A window reaches no further than its size to either side.
uint map_zero_positions()
{
    if ((MASK & (7u * VT_MASK_ZERO_AXES)) == 0u)
        return 0u;
    return uint(WINDOW_0 * WINDOW_1 * WINDOW_2);
}

// Position i of the window that nothing cuts: beyond an end of an axis that pads, and on the other axes likewise or
// visible.
bool map_zero_key(uint row, uint i, out uint entry)
{
    ivec3 q = map_query(row);
    ivec3 at = ivec3(int(i) / (WINDOW_1 * WINDOW_2), int(i) / WINDOW_2 % WINDOW_1,
                     int(i) % WINDOW_2);
    bool padded = false;
    bool counts = true;
    [[unroll]] for (int a = 0; a < 3; ++a) {
        at[a] += map_window_start(a, q[a]);
        bool beyond = map_zero(a) && at[a] < map_window_end(a, q[a]) && (at[a] < 0 || at[a] >= map_n[a]);
        padded = padded || beyond;
        counts = counts && (beyond || (at[a] >= map_start(a, q[a]) && at[a] < map_end(a, q[a])));
    }
    entry = map_row_entry(row, q) + map_flat(at);
    return padded && counts;
}
#endif

MapKey map_key(uint c)
{
    ivec3 p = map_key_position(c);
    return MapKey(p, map_u0 + int(c) < map_keys, MAP_ENTRIES ? map_flat(p) : 0u);
}

bool map_sees(MapRow row, MapKey key)
{
    bool sees = key.exists;
    if ((MASK & VT_MASK_WHOLE) != 0u)
        return sees;
    [[unroll]] for (int a = 0; a < 3; ++a)
        if (MAP_WINDOW[a] * MAP_BOX[a] > 1) // else the box holds one key along the axis, which every query sees
            sees = sees && key.p[a] >= row.first[a] && key.p[a] < row.end[a];
    return sees;
}

#ifdef VT_MATRIX_WORKGROUP // a line of the box along the last axis is a stretch, unless the roll cuts it
const int MAP_CUTS = WINDOW_0 * BOX_0 - 1 + WINDOW_1 * BOX_1 - 1 + ROLL_2; // none of the three is below 0
const uint MAP_STRETCHES = MAP_CUTS == 0 ? VT_STRETCH_ONE : VT_STRETCH_SEVERAL;
const uint MAP_STEP = uint(DILATION_2);
uvec2 map_there() { return uvec2(0u, uint(clamp(map_keys - map_u0, 0, int(KEYS)))); }
uint map_stretch(uint c)
{
    int z = map_key_position(c).z;
    int end = map_key0.z + map_size.z;
    if (ROLL_2 != 0 && z < map_seam(2))
        end = min(end, map_seam(2));
    return uint(end - z);
}
uint map_stretch_most() { return uint(map_size.z); }
#endif
