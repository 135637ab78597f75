// t_limit.c: slots, order, gates, closing.
#include "model/limit.h"
#include "tap.h"

#include <unistd.h>

enum { MANY = 24 };

typedef struct Client Client;
struct Client {
  Ticket ticket;
  int number, gone, closed;
  uint64_t went_at;
  Error error;
};

static Loop loop;
static Limiter *limiter;
static Client clients[MANY];
static int order[512], order_len;

static void on_go(void *owner)
{
  Client *client = owner;
  client->gone++;
  client->went_at = loop_now_ms(&loop);
  order[order_len++] = client->number;
}

static void on_closed(void *owner, const Error *error)
{
  Client *client = owner;
  client->closed++;
  client->error = *error;
}

static void begin(void)
{
  Error err = {0};
  setenv("PIECEWORK_BACKOFF_MS", "40", 1);
  CHECK(loop_init(&loop, &err));
  limiter = limiter_new(&loop);
  order_len = 0;
  memset(clients, 0, sizeof(clients));
  for (int i = 0; i < MANY; i++) {
    clients[i] = (Client){.number = i,
                          .ticket = {.on_go = on_go, .on_closed = on_closed, .owner = &clients[i]}};
  }
}

static void end(void)
{
  for (int i = 0; i < MANY; i++) ticket_leave(&clients[i].ticket);
  limiter_free(limiter);
  loop_deinit(&loop);
  unsetenv("PIECEWORK_BACKOFF_MS");
}

static void enter(int i, int limit, const char *model)
{
  ticket_enter(limiter, &clients[i].ticket, S("p"), limit, str_from(model));
}

static void turns(void)
{
  for (int i = 0; i < 4; i++) loop_turn(&loop, false);
}

static int holding(void)
{
  int n = 0;
  for (int i = 0; i < MANY; i++) n += clients[i].ticket.state == TICKET_HOLDING;
  return n;
}

TEST(never_from_inside_and_never_more_than_the_limit)
{
  begin();
  for (int i = 0; i < 10; i++) enter(i, 3, "m");
  CHECK_INT(order_len, 0);
  turns();
  CHECK_INT(holding(), 3);
  for (int i = 0; i < 10; i++) {
    ticket_leave(&clients[i].ticket);
    turns();
    CHECK(holding() <= 3);
  }
  CHECK_INT(order_len, 10);
  for (int i = 0; i < 10; i++) CHECK_INT(order[i], i);
  end();
}

TEST(leaving_the_queue)
{
  begin();
  for (int i = 0; i < 4; i++) enter(i, 1, "m");
  turns();
  ticket_leave(&clients[2].ticket);
  ticket_leave(&clients[0].ticket);
  turns();
  ticket_leave(&clients[1].ticket);
  turns();
  CHECK_INT(order_len, 3);
  CHECK_INT(order[2], 3);
  CHECK_INT(clients[2].gone, 0);
  end();
}

TEST(trying_again_keeps_its_place)
{
  begin();
  for (int i = 0; i < 4; i++) enter(i, 1, "m");
  turns();
  ticket_again(&clients[0].ticket, 0);
  turns();
  CHECK_INT(order_len, 2);
  CHECK_INT(order[1], 0);
  ticket_again(&clients[0].ticket, 1000);  // while it waits, the next one goes
  turns();
  CHECK_INT(order[2], 1);
  ticket_leave(&clients[1].ticket);
  turns();
  CHECK_INT(order[3], 2);
  uint64_t from = loop_now_ms(&loop);
  ticket_leave(&clients[2].ticket);
  ticket_leave(&clients[3].ticket);
  while (clients[0].gone < 3 && loop_turn(&loop, true)) {
  }
  CHECK_INT(clients[0].gone, 3);
  CHECK(loop_now_ms(&loop) - from < 10000);
  end();
}

TEST(a_gate_holds_its_model_and_no_other)
{
  begin();
  setenv("PIECEWORK_BACKOFF_MS", "800", 1);
  enter(0, 4, "slow");
  turns();
  uint64_t from = loop_now_ms(&loop);
  uint64_t wait = ticket_hold_gate(&clients[0].ticket, UINT64_MAX);
  CHECK(wait >= 800 && wait <= 1000);
  ticket_again(&clients[0].ticket, 0);
  enter(1, 4, "slow");
  enter(2, 4, "fast");
  turns();
  CHECK_INT(clients[0].gone, 1);
  CHECK_INT(clients[1].gone, 0);
  CHECK_INT(clients[2].gone, 1);
  while (clients[1].gone < 1 && loop_turn(&loop, true)) {
  }
  CHECK_INT(clients[0].gone, 2);
  CHECK(clients[1].went_at - from >= 800);
  end();
}

TEST(a_gate_halves_the_width_once_and_grows_back)
{
  begin();
  for (int i = 0; i < 8; i++) enter(i, 8, "m");
  turns();
  CHECK_INT(holding(), 8);
  for (int i = 0; i < 8; i++) {  // all eight find out; that is one piece of news
    ticket_hold_gate(&clients[i].ticket, UINT64_MAX);
    ticket_again(&clients[i].ticket, 0);
  }
  while (holding() == 0 && loop_turn(&loop, true)) {
  }
  turns();
  CHECK_INT(holding(), 4);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 8; i++) {
      if (clients[i].ticket.state != TICKET_HOLDING) continue;
      ticket_succeeded(&clients[i].ticket);
      ticket_again(&clients[i].ticket, 0);
    }
    turns();
  }
  CHECK_INT(holding(), 8);
  end();
}

TEST(waits_are_bounded)
{
  unsetenv("PIECEWORK_BACKOFF_MS");
  for (int i = 0; i < 50; i++) {
    uint64_t tiny = backoff_ms(1, 0), named = backoff_ms(1, 2000);
    CHECK(tiny >= 250 && tiny <= 313);
    CHECK(named >= 2000 && named <= 2500);
    uint64_t again = backoff_ms(3, 0), huge = backoff_ms(1, 86400000);
    CHECK(again >= 2000 && again <= 2500);  // a tiny time is believed once
    CHECK(huge >= 600000 && huge <= 750000);
    uint64_t first = backoff_ms(1, UINT64_MAX), third = backoff_ms(3, UINT64_MAX),
             late = backoff_ms(40, UINT64_MAX);
    CHECK(first >= 500 && first <= 625);
    CHECK(third >= 2000 && third <= 2500);
    CHECK(late >= 8000 && late <= 10000);
  }
}

TEST(closing_a_provider)
{
  begin();
  for (int i = 0; i < 6; i++) enter(i, 2, i < 4 ? "a" : "b");
  turns();
  Error error = {0};
  error_set(&error, ERR_AUTH, "no");
  ticket_close(&clients[0].ticket, &error, false);
  CHECK_INT(clients[5].closed, 0);
  turns();
  for (int i = 2; i < 6; i++) {
    CHECK_INT(clients[i].closed, 1);
    CHECK_INT(clients[i].error.code, ERR_AUTH);
    CHECK_INT(clients[i].gone, 0);
  }
  enter(6, 2, "a");  // all slots are taken
  turns();
  CHECK_INT(clients[6].closed, 1);
  ticket_again(&clients[1].ticket, 0);  // it was in flight
  turns();
  CHECK_INT(clients[1].closed, 1);
  enter(7, 2, "a");
  turns();
  CHECK_INT(clients[7].closed, 1);
  limiter_reopen(limiter);
  enter(8, 2, "a");
  turns();
  CHECK_INT(clients[8].gone, 1);
  end();
}

TEST(closing_a_model_only)
{
  begin();
  for (int i = 0; i < 6; i++) enter(i, 2, i % 2 ? "a" : "b");
  turns();
  Error error = {0};
  error_set(&error, ERR_MODEL, "no such model");
  ticket_close(&clients[1].ticket, &error, true);
  turns();
  CHECK_INT(clients[3].closed, 1);
  CHECK_INT(clients[5].closed, 1);
  CHECK_INT(clients[2].closed + clients[4].closed, 0);
  ticket_leave(&clients[0].ticket);
  ticket_leave(&clients[1].ticket);
  turns();
  CHECK_INT(clients[2].gone, 1);
  CHECK_INT(clients[4].gone, 1);
  end();
}

TEST(a_changed_limit)
{
  begin();
  for (int i = 0; i < 4; i++) enter(i, 1, "m");
  turns();
  CHECK_INT(holding(), 1);
  enter(5, 3, "m");
  turns();
  CHECK_INT(holding(), 3);
  end();
}

TEST(urgent_first_and_plans_take_turns)
{
  begin();
  for (int i = 0; i < 9; i++) {
    clients[i].ticket.group = i < 6 ? 1 : 2;
    enter(i, 2, "m");
  }
  clients[9].ticket.urgent = true;
  enter(9, 2, "m");
  turns();
  CHECK_INT(order[0], 9);
  CHECK_INT(order[1], 0);
  ticket_leave(&clients[9].ticket);
  turns();
  CHECK_INT(order[2], 6);  // plan 1 has a call in flight, plan 2 has none
  ticket_leave(&clients[0].ticket);
  turns();
  CHECK_INT(order[3], 1);
  ticket_leave(&clients[1].ticket);
  turns();
  CHECK_INT(order[4], 2);
  ticket_leave(&clients[6].ticket);
  turns();
  CHECK_INT(order[5], 7);
  end();
}

TEST(a_plan_keeps_to_its_own_number_over_all_providers)
{
  begin();
  for (int i = 0; i < 6; i++) {
    clients[i].ticket.group = i < 5 ? 1 : 2;
    clients[i].ticket.group_most = 3;
    ticket_enter(limiter, &clients[i].ticket, i % 2 ? S("p") : S("q"), 8, S("m"));
  }
  turns();
  CHECK_INT(holding(), 4);
  CHECK_INT(clients[5].gone, 1);
  ticket_leave(&clients[order[0]].ticket);
  turns();
  CHECK_INT(holding(), 4);
  CHECK_INT(order_len, 5);
  end();
}

static int held;
static void on_held(void *owner, Str why, uint64_t ms)
{
  (void)owner;
  held++;
  CHECK(why.len > 0 && ms >= 1000);
}

TEST(what_is_left_by_the_headers)
{
  begin();
  held = 0;
  clients[1].ticket.on_held = on_held;
  clients[2].ticket.tokens = 500;
  enter(0, 4, "m");
  turns();
  RateHint hint = {.levels = {[RATE_REQUESTS] = {true, 120, 1, 59500}}};
  ticket_rate(&clients[0].ticket, &hint);
  ticket_leave(&clients[0].ticket);
  enter(3, 4, "m");
  enter(1, 4, "m");
  turns();
  CHECK_INT(order_len, 2);  // one was left
  CHECK_INT(held, 0);       // the next comes within a second
  hint.levels[RATE_REQUESTS] = (RateLevel){true, 60, 50, 10000};
  hint.levels[RATE_TOKENS] = (RateLevel){true, 6000, 100, 59000};
  ticket_rate(&clients[3].ticket, &hint);
  ticket_leave(&clients[3].ticket);
  enter(2, 4, "m");
  turns();
  CHECK_INT(clients[1].gone, 1);
  CHECK_INT(clients[2].gone, 0);  // 500 tokens are back in four seconds
  end();
}

TEST(who_succeeds_begins_anew)
{
  begin();
  CHECK(backoff_ms(20, UINT64_MAX) <= 10000);
  enter(0, 4, "m");
  turns();
  for (int i = 0; i < 3; i++) {
    CHECK(ticket_hold_gate(&clients[0].ticket, UINT64_MAX) <= 50);
    ticket_succeeded(&clients[0].ticket);
    usleep(60000);
    turns();
  }
  end();
}

TEST(calls_in_flight_use_tokens_too)
{
  begin();
  for (int i = 0; i < 3; i++) clients[i].ticket.tokens = 60;
  enter(0, 4, "m");
  turns();
  RateHint hint = {.levels = {[RATE_TOKENS] = {true, 6000, 100, 59000}}};
  ticket_rate(&clients[0].ticket, &hint);
  enter(1, 4, "m");
  enter(2, 4, "m");
  turns();
  CHECK_INT(clients[1].gone, 1);
  CHECK_INT(clients[2].gone, 0);
  end();
}

// Sixty a minute: one in a second.
TEST(a_bucket)
{
  RateBucket bucket = {0};
  const RateLevel level = {.known = true, .limit = 60, .remaining = 10, .reset_ms = 50000};
  CHECK_INT(rate_bucket_ready(&bucket, 100, 1000), 0);  // nobody has said anything
  rate_bucket_set(&bucket, &level, true, 1000);
  CHECK_INT(rate_bucket_ready(&bucket, 10, 1000), 0);
  rate_bucket_take(&bucket, 10, 1000);
  CHECK_INT(rate_bucket_ready(&bucket, 1, 1000), 2001);
  rate_bucket_set(&bucket, &level, false, 1000);  // said before it knew of what is in flight
  CHECK_INT(rate_bucket_ready(&bucket, 1, 1000), 2001);
  rate_bucket_set(&bucket, &level, true, 1000);
  CHECK_INT(rate_bucket_ready(&bucket, 100, 1000), 51001);  // never fits: goes when it is full
  rate_bucket_take(&bucket, 60, 10000000);
  CHECK_INT(rate_bucket_ready(&bucket, 1, 10000000), 10001001);  // it was full, not more
}

static RateHint hint_of(const char *style, const char *limit, const char *remaining,
                        const char *reset)
{
  bool anthropic = style[0] == 'a';
  HttpHeader headers[] = {
      {anthropic ? S("anthropic-ratelimit-tokens-limit") : S("x-ratelimit-limit-tokens"),
       str_from(limit)},
      {anthropic ? S("anthropic-ratelimit-tokens-remaining") : S("x-ratelimit-remaining-tokens"),
       str_from(remaining)},
      {anthropic ? S("anthropic-ratelimit-tokens-reset") : S("x-ratelimit-reset-tokens"),
       str_from(reset)}};
  HttpHead head = {.status = 200, .headers = headers, .header_count = 3};
  return rate_of(&head, 1795438800000);  // 2026-11-23T13:00:00Z
}

TEST(rate_headers)
{
  RateLevel got = hint_of("a", "1000", "40", "2026-11-23T13:00:30Z").levels[RATE_TOKENS];
  CHECK(got.known && got.limit == 1000 && got.remaining == 40 && got.reset_ms == 30000);
  CHECK_INT(hint_of("a", "1000", "40", "2026-11-23T12:00:00Z").levels[RATE_TOKENS].reset_ms, 0);
  got = hint_of("o", "1000", "0", "6m0s").levels[RATE_TOKENS];
  CHECK(got.known && got.remaining == 0 && got.reset_ms == 360000);
  CHECK_INT(hint_of("o", "1", "0", "12ms").levels[RATE_TOKENS].reset_ms, 12);
  CHECK_INT(hint_of("o", "1", "0", "1m1.5s").levels[RATE_TOKENS].reset_ms, 61500);
  static const char *const odd[] = {"-1", "0", "", "7", "1x", "s"};
  for (size_t i = 0; i < 6; i++) CHECK(!hint_of("o", "1", "0", odd[i]).levels[RATE_TOKENS].known);
  CHECK(!hint_of("o", "-1", "0", "1s").levels[RATE_TOKENS].known);
}

TEST_MAIN
