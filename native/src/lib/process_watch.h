// process_watch.h: process groups that must not outlive this process, however it ends. A kill -9 leaves no time to end
// a test that runs for an hour, and the kernel offers the same for a child alone, not for what the child started.
//
// So one small process is forked beside ours when the first group is told, in a session of its own, holding one
// end of a pipe and nothing else. What it reads are groups that begin and end; when it reads the end of the pipe
// we are gone, and what is left of those groups gets TERM, then KILL.
#pragma once

// [group] is to end with this process. Where no watcher can be made, nothing happens.
void watch_add(int group);
// [group] has ended: its number may be another's from now on.
void watch_remove(int group);
