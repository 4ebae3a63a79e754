// SPDX-License-Identifier: MIT
//
// From the scores of all query heads that share a list to one order for each block, in the place of the first head's
// scores: ORDER_FORCED for blocks that are in whatever their value, ORDER_NONE for those that cannot be in.
//
// The includer has score_word[] and bias_elem[].

layout(constant_id = VT_SELECT_SPEC_GROUP) const uint GROUP = 1u; // query heads that share a list

// What a join leaves behind of a row.
uint forced_count;
uint forced_numbers; // forced blocks whose value is a number, and the sum of those
float forced_sum;
uint others_count;   // blocks that are not forced and have a value, NaN or not
uint lowest;         // orders of the least and the largest number, of forced blocks too
uint highest;

// PLACE_* bits of a block with its bias, which an infinite one is taken out of.
uint judge(uint n, uint bias_at, out float bias)
{
    uint place = place_of(n);
    bias = 0.0;
    if (has(VT_SELECT_BIAS)) {
        bias = bias_elem[bias_at + n];
        uint bits = floatBitsToUint(bias);
        bias = bits == PLUS_INFINITY ? 0.0 : bias;
        place = bits == PLUS_INFINITY ? place | PLACE_FORCED : bits == MINUS_INFINITY ? 0u : place;
    }
    return place;
}

float score_of(uint from, uint n, uint stride) { return uintBitsToFloat(score_word[from + n * stride]); }

// The largest number of a head's row, and the sum of exponentials beside it.
void measure(uint from, uint stride, uint bias_at, out float top, out float sum)
{
    float bias;
    top = -3.0e38;
    sum = 0.0;
    for (uint n = 0u; n < listable; ++n)
        if ((judge(n, bias_at, bias) & PLACE_VALUED) != 0u) {
            float x = score_of(from, n, stride) + bias;
            top = is_number(floatBitsToUint(x)) ? max(top, x) : top;
        }
    for (uint n = 0u; n < listable; ++n)
        if ((judge(n, bias_at, bias) & PLACE_VALUED) != 0u) {
            float x = score_of(from, n, stride) + bias;
            sum += is_number(floatBitsToUint(x)) ? exp(x - top) : 0.0;
        }
}

void note_number(uint order)
{
    lowest = min(lowest, order);
    highest = max(highest, order);
}

void forget()
{
    forced_count = 0u;
    forced_numbers = 0u;
    forced_sum = 0.0;
    others_count = 0u;
    lowest = 0xffffffffu;
    highest = 0u;
}

// Keeps what is kept of a block whose order is known, if it has one; returns the order that it goes by.
uint note(uint place, uint order)
{
    bool valued = order != ORDER_NONE;
    bool number = valued && order != ORDER_NAN;
    if (number)
        note_number(order);
    if ((place & PLACE_FORCED) != 0u) {
        ++forced_count;
        forced_numbers += number ? 1u : 0u;
        forced_sum += number ? value_of(order) : 0.0;
        return ORDER_FORCED;
    }
    others_count += valued ? 1u : 0u;
    return order;
}

// The order of a block whose value is known. Where blocks have the budgets, what is kept is theirs, not the row's: that of
// forced ones has to stay.
uint settle(uint place, float x)
{
    uint order = (place & PLACE_VALUED) != 0u ? order_of(floatBitsToUint(x)) : ORDER_NONE;
    return has(VT_SELECT_BY_BLOCK) ? order : note(place, order);
}

// `from`: block 0 of the first head; `stride`: from a block to the next.
void join_heads(uint from, uint stride, uint bias_at)
{
    forget();
    for (uint g = 0u; g < GROUP; ++g) {
        uint head = from + g * push.s_head;
        float top = 0.0;
        float sum = 1.0;
        if (has(VT_SELECT_SOFTMAX))
            measure(head, stride, bias_at, top, sum);
        for (uint n = 0u; n < listable; ++n) {
            float bias;
            uint place = judge(n, bias_at, bias);
            float x = score_of(head, n, stride) + bias;
            if (has(VT_SELECT_SOFTMAX))
                x = sum > 0.0 ? exp(x - top) / sum : 0.0;
            x = g == 0u ? x : score_of(from, n, stride) + x;
            score_word[from + n * stride] = g + 1u == GROUP ? settle(place, x) : floatBitsToUint(x);
        }
    }
}
