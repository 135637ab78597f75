// msgpack.c: see msgpack.h. First the border finder, then decoding, then encoding.
#include "wire/msgpack.h"

#include <msgpack.h>
#include <string.h>

// --- borders -------------------------------------------------------------------------------------

typedef enum { FORM_SCALAR, FORM_ARRAY, FORM_MAP, FORM_NEVER } Form;

// The item that a first byte announces.
typedef struct {
  Form form;
  uint8_t length_size;  // bytes of the big-endian length or count behind the first byte
  uint64_t count;       // payload bytes or children; with length_size, added to the length read
} Format;

// First bytes 0xc0 to 0xdf; the ones below and above carry their value themselves.
// clang-format off
static const Format formats[32] = {
    [0x00] = {FORM_SCALAR, 0, 0},                                                  // nil
    [0x01] = {FORM_NEVER, 0, 0},
    [0x02] = {FORM_SCALAR, 0, 0}, {FORM_SCALAR, 0, 0},                             // false, true
    [0x04] = {FORM_SCALAR, 1, 0}, {FORM_SCALAR, 2, 0}, {FORM_SCALAR, 4, 0},        // bin
    [0x07] = {FORM_SCALAR, 1, 1}, {FORM_SCALAR, 2, 1}, {FORM_SCALAR, 4, 1},        // ext
    [0x0a] = {FORM_SCALAR, 0, 4}, {FORM_SCALAR, 0, 8},                             // float
    [0x0c] = {FORM_SCALAR, 0, 1}, {FORM_SCALAR, 0, 2},                             // uint
             {FORM_SCALAR, 0, 4}, {FORM_SCALAR, 0, 8},
    [0x10] = {FORM_SCALAR, 0, 1}, {FORM_SCALAR, 0, 2},                             // int
             {FORM_SCALAR, 0, 4}, {FORM_SCALAR, 0, 8},
    [0x14] = {FORM_SCALAR, 0, 2}, {FORM_SCALAR, 0, 3}, {FORM_SCALAR, 0, 5},        // fixext
             {FORM_SCALAR, 0, 9}, {FORM_SCALAR, 0, 17},
    [0x19] = {FORM_SCALAR, 1, 0}, {FORM_SCALAR, 2, 0}, {FORM_SCALAR, 4, 0},        // str
    [0x1c] = {FORM_ARRAY, 2, 0}, {FORM_ARRAY, 4, 0},
    [0x1e] = {FORM_MAP, 2, 0}, {FORM_MAP, 4, 0},
};
// clang-format on

static Format format_of(uint8_t byte)
{
  if (byte < 0x80 || byte >= 0xe0) return (Format){FORM_SCALAR, 0, 0};
  if (byte < 0x90) return (Format){FORM_MAP, 0, byte & 0x0fu};
  if (byte < 0xa0) return (Format){FORM_ARRAY, 0, byte & 0x0fu};
  if (byte < 0xc0) return (Format){FORM_SCALAR, 0, byte & 0x1fu};
  return formats[byte - 0xc0];
}

static uint64_t big_endian(const uint8_t *p, size_t len)
{
  uint64_t n = 0;
  while (len--) n = n << 8 | *p++;
  return n;
}

void msgpack_reader_init(MsgpackReader *reader, size_t max_bytes)
{
  *reader = (MsgpackReader){.max = max_bytes};
  buf_init(&reader->in, SIZE_MAX / 2);  // bounded by max: a longer message is let go piece by piece
}

void msgpack_reader_deinit(MsgpackReader *reader)
{
  buf_deinit(&reader->in);
}

void msgpack_feed(MsgpackReader *reader, Str bytes)
{
  if (reader->broken) return;
  buf_drop_front(&reader->in, reader->start);
  reader->at -= reader->start;
  reader->start = 0;
  buf_add(&reader->in, bytes);
}

static void message_begin(MsgpackReader *reader)
{
  reader->inside = true;
  reader->pending = 1;
  reader->depth = 0;
  reader->items = reader->dropped = 0;
  reader->head[0] = reader->head[1] = -1;
  error_clear(&reader->bad);
}

// The first two items inside the outer array are the type and the id: kept, for a message that
// turns out to be of no use still wants an answer.
static void note_head(MsgpackReader *reader, const uint8_t *p, Format format)
{
  if (reader->items != 1 && reader->items != 2) return;
  int64_t *head = &reader->head[reader->items - 1];
  if (p[0] < 0x80) *head = p[0];
  if (p[0] >= 0xcc && p[0] <= 0xcf) {
    uint64_t n = big_endian(p + 1, (size_t)format.count);
    if (n <= INT64_MAX) *head = (int64_t)n;
  }
}

// Keeps the count of open containers; a level too many makes the message bad, and counting ends
// there: [pending] alone finds its end.
static void note_item(MsgpackReader *reader, Form form, uint64_t children)
{
  if (reader->bad.code) return;
  while (reader->depth && reader->left[reader->depth - 1] == 0) reader->depth--;
  if (reader->depth) reader->left[reader->depth - 1]--;
  if (form == FORM_SCALAR) return;
  if (reader->depth == MSGPACK_LEVELS) {
    error_set(&reader->bad, ERR_INVALID, "a message nested deeper than %d levels", MSGPACK_LEVELS);
    return;
  }
  reader->left[reader->depth++] = children;
}

static void check_limits(MsgpackReader *reader)
{
  uint64_t size = reader->at - reader->start + reader->dropped + reader->skip;
  if (size > reader->max) {
    error_set(&reader->bad, ERR_TOO_BIG, "a message larger than %zu bytes", reader->max);
  } else if (reader->items > WIRE_MAX_ITEMS) {
    error_set(&reader->bad, ERR_TOO_BIG, "a message with more than %d items", WIRE_MAX_ITEMS);
  }
}

// Passes the head of one item. False when not all of it is here, or when it is not msgpack.
static bool pass_head(MsgpackReader *reader)
{
  const uint8_t *p = (const uint8_t *)reader->in.ptr + reader->at;
  size_t here = reader->in.len - reader->at;
  if (here == 0) return false;
  Format format = format_of(p[0]);
  bool number = p[0] >= 0xcc && p[0] <= 0xcf;  // its value is read, so it must be here
  size_t head = 1u + format.length_size;
  if (here < head + (number ? format.count : 0)) return false;
  reader->broken = format.form == FORM_NEVER || (reader->items == 0 && format.form != FORM_ARRAY);
  if (reader->broken) return false;
  note_head(reader, p, format);
  uint64_t count = format.count + big_endian(p + 1, format.length_size);
  uint64_t children = format.form == FORM_ARRAY ? count : format.form == FORM_MAP ? count * 2 : 0;
  note_item(reader, format.form, children);
  reader->skip = format.form == FORM_SCALAR ? count : 0;
  reader->pending += children - 1;
  reader->items++;
  reader->at += head;
  check_limits(reader);
  return true;
}

static bool pass_payload(MsgpackReader *reader)
{
  size_t here = reader->in.len - reader->at;
  size_t step = reader->skip < here ? (size_t)reader->skip : here;
  reader->at += step;
  reader->skip -= step;
  if (reader->bad.code) {  // not kept
    reader->dropped += reader->at - reader->start;
    reader->start = reader->at;
  }
  return reader->skip == 0;
}

// --- decoding ------------------------------------------------------------------------------------

static Value *from_object(Arena *arena, const msgpack_object *object);

static Value *from_map(Arena *arena, const msgpack_object_map *map)
{
  Value *out = value_map(arena);
  for (uint32_t i = 0; i < map->size; i++) {
    const msgpack_object *key = &map->ptr[i].key;
    Str name;
    if (key->type == MSGPACK_OBJECT_STR) {
      name = str_dup(arena, (Str){key->via.str.ptr, key->via.str.size});
    } else if (key->type == MSGPACK_OBJECT_BIN) {
      name = str_dup(arena, (Str){key->via.bin.ptr, key->via.bin.size});
    } else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
               key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
      name = str_fmt(arena, "%lld", (long long)key->via.i64);  // a Lua table with holes
    } else {
      continue;  // no key of ours
    }
    value_set(out, name, from_object(arena, &map->ptr[i].val));
  }
  return out;
}

static Value *from_array(Arena *arena, const msgpack_object_array *array)
{
  Value *out = value_list(arena);
  for (uint32_t i = 0; i < array->size; i++) value_push(out, from_object(arena, &array->ptr[i]));
  return out;
}

// The depth was checked by the border finder.
static Value *from_object(Arena *arena, const msgpack_object *object)
{
  switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN: return value_bool(arena, object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
      if (object->via.u64 > INT64_MAX) return value_double(arena, (double)object->via.u64);
      return value_int(arena, (int64_t)object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return value_int(arena, object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return value_double(arena, object->via.f64);
    case MSGPACK_OBJECT_STR:
      return value_str(arena, str_dup(arena, (Str){object->via.str.ptr, object->via.str.size}));
    case MSGPACK_OBJECT_BIN:
      return value_str(arena, str_dup(arena, (Str){object->via.bin.ptr, object->via.bin.size}));
    case MSGPACK_OBJECT_ARRAY: return from_array(arena, &object->via.array);
    case MSGPACK_OBJECT_MAP: return from_map(arena, &object->via.map);
    default:  // nil, and ext: handles of Neovim's that mean nothing here
      return value_null(arena);
  }
}

static Value *decode(Arena *arena, Str bytes)
{
  msgpack_unpacked unpacked;
  msgpack_unpacked_init(&unpacked);
  size_t end = 0;
  Value *tree = NULL;
  if (msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &end) == MSGPACK_UNPACK_SUCCESS &&
      end == bytes.len) {
    tree = from_object(arena, &unpacked.data);
  }
  msgpack_unpacked_destroy(&unpacked);
  return tree;
}

// Whether all of the present message is here.
static bool pass_message(MsgpackReader *reader)
{
  for (;;) {
    if (!pass_payload(reader)) return false;
    if (reader->pending == 0) return true;
    if (!pass_head(reader)) return false;
  }
}

WireRead msgpack_next(MsgpackReader *reader, Arena *arena, Value **tree, WireBad *bad, Error *err)
{
  if (!reader->inside && reader->at < reader->in.len) message_begin(reader);
  if (!reader->inside || !pass_message(reader)) {
    if (!reader->broken) return WIRE_MORE;
    error_set(err, ERR_PROTOCOL, "bytes that are no msgpack-RPC message");
    return WIRE_BROKEN;
  }
  Str bytes = {reader->in.ptr + reader->start, reader->at - reader->start};
  if (!reader->bad.code && !(*tree = decode(arena, bytes))) {
    error_set(&reader->bad, ERR_INVALID, "a message that msgpack cannot read");
  }
  reader->start = reader->at;
  reader->inside = false;
  if (!reader->bad.code) return WIRE_TREE;
  *bad = (WireBad){.is_request = reader->head[0] == WIRE_REQUEST && reader->head[1] >= 0,
                   .id = reader->head[1]};
  error_set(err, reader->bad.code, "%s", reader->bad.message);
  return WIRE_BAD;
}

// --- encoding ------------------------------------------------------------------------------------

static int write_bytes(void *out, const char *bytes, size_t len)
{
  return buf_add(out, (Str){bytes, len}) ? 0 : -1;
}

static void pack_str(msgpack_packer *packer, Str s)
{
  msgpack_pack_str(packer, s.len);
  msgpack_pack_str_body(packer, s.ptr, s.len);
}

// Trees of our own making; wire_fits bounds the depth before they get here.
static void pack(msgpack_packer *packer, const Value *value)
{
  switch (value ? value->type : VALUE_NULL) {
    case VALUE_NULL: msgpack_pack_nil(packer); break;
    case VALUE_BOOL: value->boolean ? msgpack_pack_true(packer) : msgpack_pack_false(packer); break;
    case VALUE_INT: msgpack_pack_int64(packer, value->integer); break;
    case VALUE_DOUBLE: msgpack_pack_double(packer, value->number); break;
    case VALUE_STR: pack_str(packer, value->str); break;
    case VALUE_LIST:
      msgpack_pack_array(packer, value->len);
      for (VALUE_EACH (item, value)) pack(packer, item);
      break;
    case VALUE_MAP:
      msgpack_pack_map(packer, value->len);
      for (VALUE_EACH (item, value)) {
        pack_str(packer, item->key);
        pack(packer, item);
      }
      break;
  }
}

// Begins a message: an array of [len] items, the first one its type.
static msgpack_packer message_packer(Buf *out, size_t len, WireType type)
{
  msgpack_packer packer;
  msgpack_packer_init(&packer, out, write_bytes);
  msgpack_pack_array(&packer, len);
  msgpack_pack_int(&packer, (int)type);
  return packer;
}

void msgpack_write(Buf *out, const Value *value)
{
  msgpack_packer packer;
  msgpack_packer_init(&packer, out, write_bytes);
  pack(&packer, value);
}

void msgpack_write_response(Buf *out, int64_t id, const Value *error, const Value *result)
{
  msgpack_packer packer = message_packer(out, 4, WIRE_RESPONSE);
  msgpack_pack_int64(&packer, id);
  pack(&packer, error);
  pack(&packer, result);
}

void msgpack_write_event(Buf *out, Str method, const Value *params)
{
  msgpack_packer packer = message_packer(out, 3, WIRE_EVENT);
  pack_str(&packer, S("nvim_exec_lua"));
  msgpack_pack_array(&packer, 2);
  pack_str(&packer, S("return require('piecework.rpc').on(...)"));
  msgpack_pack_array(&packer, 2);
  pack_str(&packer, method);
  pack(&packer, params);
}
