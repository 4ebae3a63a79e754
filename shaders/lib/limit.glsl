// SPDX-License-Identifier: MIT
//
// The limit of one line of orders: what is above it is in, and so are the last ones of those that equal it. From the top
// down for short lists, else bit by bit.
//
// The includer has order_at(n) for the orders [0, line_end) of the line.

uint line_end;

bool is_other(uint order, uint from) { return order >= from && order != ORDER_FORCED; }

// Others than forced ones whose order is `from` or more; not for 0.
uint count_from(uint from)
{
    uint count = 0u;
    for (uint n = 0u; n < line_end; ++n)
        count += is_other(order_at(n), from) ? 1u : 0u;
    return count;
}

// The same as limit_of_count, from the top down: a walk finds the next lower order and who has it. For fewer than 32
// that is fewer walks than bits.
uint limit_of_place(uint wanted)
{
    uint result = ORDER_FORCED;
    uint above = 0u;
    for (uint walk = 0u; walk < wanted && above < wanted; ++walk) {
        uint next = 0u;
        uint ties = 0u;
        for (uint n = 0u; n < line_end; ++n) {
            uint x = order_at(n);
            if (x >= next && x < result) {
                ties = x == next ? ties + 1u : 1u;
                next = x;
            }
        }
        above += ties;
        result = next;
    }
    return result;
}

// The largest order that so many others have or pass; there are as many. ORDER_FORCED for 0.
uint limit_of_count(uint wanted)
{
    if (wanted < 32u)
        return limit_of_place(wanted);
    uint result = 0u;
    for (uint bit = 0x80000000u; bit != 0u; bit >>= 1)
        if (count_from(result | bit) >= wanted)
            result |= bit;
    return result;
}
