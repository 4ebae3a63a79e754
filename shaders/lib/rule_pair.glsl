// SPDX-License-Identifier: MIT
//
// Rules of dense attention, of one query and one key: whether they see each other and what becomes of their product; and of
// runs of both by position alone. It does not know which of them the rows of a tile are.

int rule_left; // of the tile's only head, or of all
int rule_right;
int rule_prefix;

#define VT_PLANE 1u
#define VT_LEFT rule_left
#define VT_RIGHT rule_right
#define VT_PREFIX rule_prefix
#define VT_CHUNK RULE_CHUNK
#include "diagonal.glsl"
#include "masks.glsl"
#include "scores.glsl"

const bool SCATTERED = (MASK & VT_MASK_SCATTERED) != 0u;
const bool STRIDED = (MASK & VT_MASK_STRIDED) != 0u;
const bool WINDOWED = (MASK & (VT_MASK_LEFT | VT_MASK_RIGHT | VT_MASK_CHUNK)) != 0u;

int map_k_begin; // keys of this dispatch that exist
int map_k_end;

void begin_heads()
{
    rule_left = has_field(VT_HEAD_WINDOW) ? head_side(5u) : RULE_LEFT;
    rule_right = has_field(VT_HEAD_WINDOW) ? head_side(6u) : RULE_RIGHT;
    rule_prefix = has_field(VT_HEAD_PREFIX) ? int(min(head_word(0u, 7u), 0x40000000u)) : RULE_PREFIX;
}

// By position alone, of queries from first to last and keys [first, end).
uint diagonal_state(int first_query, int last_query, int first, int end)
{
    if (first >= diagonal_limit(last_query))
        return SPAN_HIDDEN;
    bool some = first <= diagonal_high(last_query) && end > diagonal_low(first_query);
    if (WINDOWED)
        some = some || first < diagonal_prefix_end(last_query);
    if (STRIDED)
        some = some || (uint(first) + RULE_PHASE + RULE_STRIDE - 1u) / RULE_STRIDE * RULE_STRIDE < uint(end) + RULE_PHASE;
    bool all = first >= diagonal_low(last_query) && end - 1 <= diagonal_high(first_query);
    if (WINDOWED)
        all = all || end <= diagonal_prefix_end(first_query);
    return all ? SPAN_VISIBLE : some ? SPAN_PARTLY : SPAN_HIDDEN;
}

struct RuleQuery {
    int low;
    int high;
    int prefix_end;
    int limit;
    int diag;
    uint query;
    uint segment;
    ivec2 interval;
    BiasRow bias;
};
struct RuleKey {
    int p;
    uint segment;
    uint expiry;
    BiasKey bias;
};

// `row` tells the head; a query that is not there sees nothing.
RuleQuery rule_query(uint row, uint number, bool there)
{
    RuleQuery result;
    int query = int(number);
    bool skipped = has_field(VT_HEAD_GAIN) && head_gain(row) == 0.0;
    result.query = number;
    result.diag = query + diagonal_shift;
    result.low = max(diagonal_low(query), map_k_begin);
    result.high = diagonal_high(query);
    result.prefix_end = min(diagonal_prefix_end(query), map_k_end);
    result.limit = skipped || !there ? 0 : diagonal_limit(query);
    result.segment = BY_SEGMENTS ? query_segment(number) : 0u;
    result.interval = BY_INTERVALS ? query_interval(number) : ivec2(0, map_k_end);
    result.bias = bias_row(row, number, result.diag);
    return result;
}

// Clamped to a key that exists: what stands past the last one is never read.
uint existing_key(int p) { return uint(clamp(p, map_k_begin, map_k_end - 1)); }

RuleKey rule_key(int p)
{
    RuleKey result;
    uint key = existing_key(p);
    result.p = p;
    result.segment = BY_SEGMENTS ? key_segment(key) : 0u;
    result.expiry = BY_EXPIRY ? key_expiry(key) : 0u;
    result.bias = bias_key(key);
    return result;
}

bool masks_see(RuleQuery row, RuleKey key)
{
    bool sees = true;
    if (BY_SEGMENTS)
        sees = segments_meet(row.segment, key.segment);
    if (BY_EXPIRY)
        sees = sees && (row.diag < 0 || uint(row.diag) < key.expiry);
    if (BY_BITS) {
        uint place = key_number(existing_key(key.p));
        uint at = TABLE_BITS + (mask_slice * Q_CAPACITY + query_place(row.query)) * BIT_WORDS + place / 32u;
        sees = sees && (table_word[at] >> (place % 32u) & 1u) != 0u;
    }
    return sees;
}

// A tile may begin before the range of the dispatch, where nothing counts.
bool rule_sees(RuleQuery row, RuleKey key)
{
    bool sees = key.p >= row.low && key.p <= row.high;
    if (WINDOWED)
        sees = sees || key.p < row.prefix_end;
    if (STRIDED)
        sees = sees || (uint(key.p) + RULE_PHASE) % RULE_STRIDE == 0u;
    sees = sees && key.p >= map_k_begin && key.p < row.limit;
    if (BY_INTERVALS)
        sees = sees && key.p >= row.interval.x && key.p < row.interval.y;
    return sees && masks_see(row, key);
}

float rule_score(float score, RuleQuery row, RuleKey key)
{
    score = cap_score(score) + row.bias.offset;
    if (has_field(VT_HEAD_SLOPE)) {
        float distance = has_field(VT_HEAD_SIGNED) ? float(key.p - int(row.query)) : -float(abs(row.diag - key.p));
        score += row.bias.slope * distance;
    }
    if (BIASED)
        score += pair_bias(row.bias, key.bias) * LOG2E;
    return score;
}
