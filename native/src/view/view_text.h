// view_text.h: text for a buffer, written line by line together with what each line stands for.
//
// Life:  view_begin -> view_line* -> view_end
//
// A line is one line whatever is put into it: line ends and other control characters from outside become
// spaces, so that text and index never part. Lines past VIEW_MAX bytes in all are dropped with a last line
// that says so.
#pragma once

#include "base/buf.h"
#include "view/view.h"

enum { VIEW_MAX = 32 << 20, VIEW_WIDTH = 80 };

typedef struct {
  Arena *arena;
  View *out;
  Buf buf;
} ViewText;

void view_begin(ViewText *view, Arena *arena, View *out);
void view_line(ViewText *view, LineMeaning meaning, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// [prefix] and [text] as one line, the text byte for byte but for control characters.
void view_source(ViewText *view, LineMeaning meaning, char prefix, Str text);
// Left and right text on one line of VIEW_WIDTH columns; two lines when they do not fit.
void view_pair(ViewText *view, LineMeaning meaning, Str left, Str right);
// [text] broken at spaces into lines of VIEW_WIDTH columns, each after [indent].
void view_wrapped(ViewText *view, LineMeaning meaning, Str indent, Str text);
void view_end(ViewText *view);

// view_planned.c: the tasks of a plan that has not begun, one line each, with their targets.
void view_planned(ViewText *view, Engine *engine, const PlanRow *row);
