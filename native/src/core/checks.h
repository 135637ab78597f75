// checks.h: the test commands that a project itself documents (Makefile, package.json ...). They
// are proposed in the plan file and never run before the user has seen and trusted them (promise
// 6).
#pragma once

#include "core/project.h"

// The first that fits, empty when none does. In [arena].
Str checks_find(Project *project, Arena *arena);
