// apply_sweep.h: what an apply that was killed left beside the files it wrote: a text moved aside comes back where its
// file is gone, anything else goes (fs_sweep). The next apply of the plan does that, and resume.
#pragma once

#include "review/review.h"

// A write of [plan] begins, or has ended in order, whatever came of it.
bool apply_sweep_mark(Engine *engine, int64_t plan, bool begins, Error *err);

// Beside the files of [review]; paths that lead out of the project by now are not looked at.
void apply_sweep(Project *project, Arena *arena, const Review *review);

// Every plan of [project] whose write did not end. The number of them.
size_t apply_sweep_left(Engine *engine, Project *project);
