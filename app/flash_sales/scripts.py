"""
What Redis does in one step for a flash sale, as Lua. The keys of one sale share a hash tag.

KEYS are always, in this order:

1. the gate, a hash: `epoch`, `left:<sku_id>`, `max_uses` and `max_units` (a person's, '' for no
   limit), `until_ms` (when the counts of members are out of date, '' for never), `swept_ms`, `run`
   (the Redis that has it), `changes` (of what is known), and the figures `asked` and `admitted`;
2. what members have taken, a hash: `uses:<member>` and `units:<member>`;
3. the pending tokens, a hash: token → `sku:quantity:ms:key`;
4. the tokens admitted so far, a set.

A token is `<member>:<digest of the idempotency key>`.
"""

ADMIT = """
local token, member, sku, quantity, now_ms, key = unpack(ARGV)
local gate = redis.call('HMGET', KEYS[1],
    'epoch', 'left:' .. sku, 'max_uses', 'max_units', 'until_ms', 'changes')
if not gate[1] or not gate[2] then return {'lost', 0, 0} end
if gate[5] ~= '' and tonumber(now_ms) >= tonumber(gate[5]) then return {'lost', 0, 0} end
redis.call('HINCRBY', KEYS[1], 'asked', 1 + tonumber(ARGV[7]))
local left, changes = tonumber(gate[2]), tonumber(gate[6] or 0)
if redis.call('SISMEMBER', KEYS[4], token) == 1 then return {'known', left, changes} end
local taken = redis.call('HMGET', KEYS[2], 'uses:' .. member, 'units:' .. member)
local uses, units = tonumber(taken[1] or 0) + 1, tonumber(taken[2] or 0) + tonumber(quantity)
if gate[3] ~= '' and uses > tonumber(gate[3]) then return {'limit', tonumber(gate[3]), changes} end
if gate[4] ~= '' and units > tonumber(gate[4]) then return {'limit', tonumber(gate[4]), changes} end
if left < tonumber(quantity) then return {'sold_out', left, changes} end
redis.call('HINCRBY', KEYS[1], 'left:' .. sku, -quantity)
redis.call('HINCRBY', KEYS[1], 'admitted', 1)
redis.call('HINCRBY', KEYS[1], 'changes', 1)
if gate[3] ~= '' or gate[4] ~= '' then
    redis.call('HSET', KEYS[2], 'uses:' .. member, uses, 'units:' .. member, units)
end
redis.call('HSET', KEYS[3], token, sku .. ':' .. quantity .. ':' .. now_ms .. ':' .. key)
redis.call('SADD', KEYS[4], token)
for number = 2, 4 do
    if redis.call('PTTL', KEYS[number]) == -1 then redis.call('PEXPIRE', KEYS[number], ARGV[8]) end
end
return {'maybe', left - tonumber(quantity), changes + 1}
"""
"""
Let a token in, or say why not.

ARGV: token, member, SKU, pieces, now in ms, key, how many more asked, ms to keep what has no end.
"""

GIVE_BACK = """
local token = ARGV[1]
local note = redis.call('HGET', KEYS[3], token)
if not note then return 0 end
redis.call('HDEL', KEYS[3], token)
redis.call('SREM', KEYS[4], token)
local sku, quantity = string.match(note, '^(%d+):(%d+):')
local member = string.match(token, '^(%d+):')
if redis.call('HEXISTS', KEYS[1], 'left:' .. sku) == 1 then
    redis.call('HINCRBY', KEYS[1], 'left:' .. sku, quantity)
    redis.call('HINCRBY', KEYS[1], 'changes', 1)
end
if redis.call('HEXISTS', KEYS[2], 'uses:' .. member) == 1 then
    redis.call('HINCRBY', KEYS[2], 'uses:' .. member, -1)
    redis.call('HINCRBY', KEYS[2], 'units:' .. member, -quantity)
end
return 1
"""
"""Give a ticket back that the database refused: once, however often it is called. ARGV: token."""

CLEAR = """
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('SADD', KEYS[4], ARGV[1]) == 1 and redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HINCRBY', KEYS[1], 'changes', 1)
end
if redis.call('PTTL', KEYS[4]) < 0 then redis.call('PEXPIRE', KEYS[4], ARGV[2]) end
return 1
"""
"""A token's order is committed; its key stays known. ARGV: token, ms to keep what has no end."""

LOAD = """
local epoch = redis.call('HGET', KEYS[1], 'epoch') or ''
if epoch ~= ARGV[1] then return 0 end
local at = 9
local function list()
    local found = {}
    for number = 1, tonumber(ARGV[at]) do found[number] = ARGV[at + number] end
    at = at + #found + 1
    return found
end
local skus, settled, dropped = list(), list(), list()
for _, token in ipairs(settled) do redis.call('HDEL', KEYS[3], token) end
for _, token in ipairs(dropped) do
    redis.call('HDEL', KEYS[3], token)
    redis.call('SREM', KEYS[4], token)
end
if redis.call('EXISTS', KEYS[5]) == 1 then redis.call('RENAME', KEYS[5], KEYS[2])
else redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'max_uses', ARGV[3], 'max_units', ARGV[4],
    'until_ms', ARGV[5], 'swept_ms', ARGV[6], 'run', ARGV[8])
redis.call('HINCRBY', KEYS[1], 'changes', 1)
for number = 1, #skus, 2 do
    redis.call('HSET', KEYS[1], 'left:' .. skus[number], skus[number + 1])
end
local is_limited = ARGV[3] ~= '' or ARGV[4] ~= ''
local pending = redis.call('HGETALL', KEYS[3])
for number = 1, #pending, 2 do
    local sku, quantity = string.match(pending[number + 1], '^(%d+):(%d+):')
    local member = string.match(pending[number], '^(%d+):')
    if redis.call('HEXISTS', KEYS[1], 'left:' .. sku) == 1 then
        redis.call('HINCRBY', KEYS[1], 'left:' .. sku, -quantity)
    end
    if is_limited then
        redis.call('HINCRBY', KEYS[2], 'uses:' .. member, 1)
        redis.call('HINCRBY', KEYS[2], 'units:' .. member, quantity)
    end
end
for number = 1, 4 do redis.call('PEXPIRE', KEYS[number], ARGV[7]) end
return 1
"""
"""
Set the gate to what the database says, less what is pending; only if it is still of this epoch.

ARGV: epoch expected, epoch from now on, max_uses, max_units, until_ms, now_ms, ms to live, run;
then three lists, each behind its length: SKU and left in turn, tokens committed, tokens given up.
KEYS[5] holds the members' counts.
"""
