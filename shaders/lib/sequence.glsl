// SPDX-License-Identifier: MIT
//
// Which batch entry, or which of the packed sequences, a workgroup works for, how long it is and where its tokens stand.
// Whatever the tables say, no token outside the tensors comes of it.

const bool PACKED = (LENGTHS & VT_LENGTHS_PACKED) != 0u;
const bool EXTRA_KEYS = (LENGTHS & VT_LENGTHS_EXTRA) != 0u;

uint seq;       // batch entry or sequence
uint seq_tile;  // query tile of it
uint seq_split; // which share of the keys
int seq_q0;     // tokens of the tensors before its first query and key
int seq_k0;
int seq_q_len;
int seq_kv_len;

int q_start(uint s) { return int(min(table_word[TABLE_Q_STARTS + s], Q_CAPACITY)); }
int kv_start(uint s) { return int(min(table_word[TABLE_KV_STARTS + s], KV_CAPACITY)); }

// A sequence begins its query tiles at a number that is known without those before it, as no more tiles are skipped than
// there are sequences: ceil((b - a) / r) <= b / r - a / r + 1.
#ifdef VT_COLUMNS // whose tiles are of keys
uint first_tile(uint s) { return uint(kv_start(s)) / ROWS + s; }
#else
uint first_tile(uint s) { return uint(q_start(s)) * TILE_HEADS / ROWS + s; }
#endif

// The last sequence that begins at a tile, or else at a query, or before.
uint find_sequence(uint at, bool tiles)
{
    uint low = 0u;
    uint high = SEQUENCES;
    while (high - low > 1u) {
        uint middle = (low + high) / 2u;
        if ((tiles ? first_tile(middle) : uint(q_start(middle))) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void find_tile(uint tile)
{
#ifdef VT_COLUMNS
    if (PAGE != 0u) { // each sequence has tiles for as many keys as the longest may have
        uint tiles = (KV_CAPACITY + ROWS - 1u) / ROWS;
        seq = min(tile / tiles, SEQUENCES - 1u);
        seq_tile = tile % tiles;
        return;
    }
#elif defined(VT_MASS)
    if (BY_ROWS) { // each listed row has a tile of its own
        seq = find_sequence(mass_word[push.v_base + tile], false);
        seq_tile = tile;
        return;
    }
#endif
    seq = find_sequence(tile, true);
    seq_tile = tile - first_tile(seq);
}

void begin_packed(uint tile)
{
    find_tile(tile);
    seq_q0 = q_start(seq);
    seq_q_len = max(q_start(seq + 1u) - seq_q0, 0);
#ifdef VT_MASS // which loads a query for each row asked for, of a sequence without any too
    seq_q0 = min(seq_q0, int(Q_CAPACITY) - 1);
#endif
    if (EXTRA_KEYS || PAGE != 0u)
        return;
    seq_k0 = kv_start(seq);
    seq_kv_len = max(kv_start(seq + 1u) - seq_k0, 0);
}

void sequence_begin()
{
    uint tile = push.map2 + own_tile();
    seq_split = gl_WorkGroupID.z % SPLITS;
    seq = push.map1 + own_batch();
    seq_tile = tile;
    seq_q0 = 0;
    seq_k0 = 0;
    seq_q_len = int(push.q_len);
    seq_kv_len = int(push.kv_len);
    if (PACKED)
        begin_packed(tile);
    if ((LENGTHS & VT_LENGTHS_Q) != 0u)
        seq_q_len = int(min(table_word[TABLE_Q_LENGTHS + seq], push.q_len));
    if ((LENGTHS & VT_LENGTHS_KV) != 0u)
        seq_kv_len = int(min(table_word[TABLE_KV_LENGTHS + seq], push.kv_len));
}

// Where key j stands among the rows of k and v: `batch` is the stride of a page, `token` that of a key in it.
uint key_place(uint key, uint batch, uint token)
{
    if (PAGE == 0u)
        return (uint(seq_k0) + key) * token;
    uint page = min(table_word[TABLE_PAGES + seq * ROW_PAGES + key / PAGE], POOL_PAGES - 1u);
    return page * batch + key % PAGE * token;
}
