" The few lines of Vim script behind host/vim.lua: jobs and channels cannot cross into Lua, and
" errors of functions called from Lua do not raise there.

" Sourced at the first verb, when the user's own flags are in force.
let s:save_cpo = &cpoptions
set cpoptions&vim

let s:jobs = {}
let s:next = 0

function! Piecework_host_fn(name, args) abort
  try
    return [1, call(a:name, a:args)]
  catch
    return [0, v:exception]
  endtry
endfunction

function! Piecework_host_extend(list, text) abort
  call extend(a:list, json_decode(a:text))
endfunction

function! Piecework_host_clear(list) abort
  if !empty(a:list) | call remove(a:list, 0, -1) | endif
endfunction

function! Piecework_host_cmd(ex) abort
  try
    execute a:ex
    return ''
  catch
    return v:exception
  endtry
endfunction

" With [buf] current, in a window of its own if it has none.
function! Piecework_host_cmd_in(buf, ex) abort
  let s:failed = ''
  let win = bufwinid(a:buf)
  let popup = win > 0 ? 0 : popup_create(a:buf, {'hidden': 1})
  let s:command = a:ex
  call win_execute(popup ? popup : win, 'call ' .. expand('<SID>') .. 'run_command()')
  if popup | call popup_close(popup) | endif
  return s:failed
endfunction

function! s:run_command() abort
  try
    execute s:command
  catch
    let s:failed = v:exception
  endtry
endfunction

" The exit is told once the process ended and its output was read to the end.
function! s:ended(id, what, code) abort
  let job = get(s:jobs, a:id, {})
  if empty(job) | return | endif
  let job[a:what] = 1
  if a:what ==# 'exit' | let job.code = a:code | endif
  if has_key(job, 'exit') && has_key(job, 'close')
    call remove(s:jobs, a:id)
    call s:told('on_exit', a:id, job.code)
  endif
endfunction

function! s:told(what, id, text) abort
  call luaeval('require("piecework.host.vim")[_A[1]](_A[2], _A[3])', [a:what, a:id, a:text])
endfunction

" A message of the engine: answers begin with 1.
function! s:line(id, text) abort
  let job = get(s:jobs, a:id, {})
  if !empty(job) && a:text[: 1] ==# '[1' | let job.open -= 1 | endif
  call s:told('on_line', a:id, a:text)
endfunction

" What Vim reads of a channel while it draws after a timer's callback waits there until a key is typed or
" 'updatetime' is over, which counts once a key: nobody looks. While an answer or an event is due, this does.
function! s:look(id, timer) abort
  let job = get(s:jobs, a:id, {})
  if empty(job) || (job.open <= 0 && !job.expects)
    call timer_stop(a:timer)
    if !empty(job) | let job.looks = 0 | endif
    return
  endif
  while ch_status(job.job) ==# 'open' && ch_canread(job.job)
    let text = ch_read(job.job, {'timeout': 0})
    if text ==# '' | return | endif
    call s:line(a:id, text)
  endwhile
endfunction

function! Piecework_host_start(argv, cwd, lines) abort
  let s:next += 1
  let id = s:next
  let options = {'noblock': 1, 'mode': 'nl', 'err_mode': 'nl', 'drop': 'never',
        \ 'out_cb': {_, text -> s:line(id, text)},
        \ 'err_cb': {_, text -> s:told('on_error', id, text)},
        \ 'exit_cb': {_, code -> s:ended(id, 'exit', code)},
        \ 'close_cb': {_ -> s:ended(id, 'close', 0)}}
  if !empty(a:cwd) | let options.cwd = a:cwd | endif
  if a:lines | let options.in_io = 'null' | endif
  let s:jobs[id] = {'open': 0, 'expects': 0, 'looks': 0}
  let job = job_start(a:argv, options)
  if job_status(job) ==# 'fail'
    call remove(s:jobs, id)
    return 0
  endif
  let s:jobs[id].job = job
  return id
endfunction

function! Piecework_host_send(id, text) abort
  let job = get(s:jobs, a:id, {})
  if empty(job) || ch_status(job.job) !=# 'open' | return 0 | endif
  call ch_sendraw(job.job, a:text .. "\n")
  let job.open += 1
  call s:look_out(a:id, job)
  return 1
endfunction

function! s:look_out(id, job) abort
  if a:job.looks | return | endif
  let a:job.looks = 1
  call timer_start(100, {timer -> s:look(a:id, timer)}, {'repeat': -1})
endfunction

" [yes]: the engine is at work and will tell of it.
function! Piecework_host_expect(id, yes) abort
  let job = get(s:jobs, a:id, {})
  if empty(job) | return | endif
  let job.expects = a:yes
  if a:yes | call s:look_out(a:id, job) | endif
endfunction

function! Piecework_host_stop(id) abort
  let job = get(s:jobs, a:id, {})
  if !empty(job) | call job_stop(job.job) | endif
endfunction

function! Piecework_host_after(ms, id) abort
  call timer_start(a:ms, {_ -> luaeval('require("piecework.host.vim").on_timer(_A)', a:id)})
endfunction

" A popup goes with these keys, too; all others are the window's.
function! Piecework_host_popup_key(popup, key) abort
  if index(['q', "\<Esc>"], a:key) < 0 | return 0 | endif
  call popup_close(a:popup)
  return 1
endfunction

" Compiled: a key that is held down calls it again and again.
def g:Piecework_host_go(to: number, jump: number, first: number, last: number)
  if jump != 0
    execute "normal! m'"
  endif
  cursor(to, 1)
  if foldclosed(to) > 0
    execute 'silent! normal! zv'
  endif
  # Asking for w0 scrolls to the cursor.
  if last == 0 || (line('w0') <= to && line('w$') >= last)
    return
  endif
  cursor(last, 1)
  normal! zb
  if line('w0') > to
    cursor(first, 1)
    normal! zt
  endif
  cursor(to, 1)
enddef

" Lines that change in a buffer of another tab scroll the current window where that is in diff mode, and it alone.
def s:StandStill(buf: number, seen: dict<number>)
  if winbufnr(0) != buf
    winrestview(seen)
  endif
enddef

" [numbers]: first, count and how many of [lines] come, of each edit. From the bottom up, so that no edit moves
" another's lines. Empty, or why not. Compiled: the steps of a legacy function cost more than the edits.
def g:Piecework_host_change(buf: number, numbers: string, lines: list<any>): string
  var seen = winsaveview()
  var problem = s:Change(buf, numbers, lines)
  s:StandStill(buf, seen)
  return problem
enddef

def s:Change(buf: number, numbers: string, lines: list<any>): string
  var steps = mapnew(split(numbers), (_, word) => str2nr(word))
  var at = len(lines)
  var i = len(steps)
  try
    while i > 0
      i -= 3
      var first = steps[i]
      var drop = steps[i + 1]
      var put = steps[i + 2]
      var common = min([drop, put])
      at -= put
      if common > 0 && setbufline(buf, first, lines[at : at + common - 1]) != 0
        return 'cannot change the lines'
      elseif put > common && appendbufline(buf, first + common - 1, lines[at + common : at + put - 1]) != 0
        return 'cannot change the lines'
      elseif drop > common && deletebufline(buf, first + common, first + drop - 1) != 0
        return 'cannot change the lines'
      endif
    endwhile
  catch
    return v:exception
  endtry
  return ''
enddef

" [numbers]: first, drop, put of each edit; [text]: the lines that come, one after the other.
def g:Piecework_host_splice(buf: number, numbers: string, text: string)
  var seen = winsaveview()
  var keep = {}
  for [name, value] in items({undolevels: -1, modifiable: 1, readonly: 0})
    keep[name] = getbufvar(buf, '&' .. name)
    setbufvar(buf, '&' .. name, value)
  endfor
  var steps = mapnew(split(numbers), (_, word) => str2nr(word))
  var lines = split(text, "\n", true)
  var at = 0
  var i = 0
  while i < len(steps)  # range(0, -1, 3) has one item on Vim 9.0
    var first = steps[i]
    var drop = steps[i + 1]
    var put = steps[i + 2]
    var common = min([drop, put])
    if common > 0
      setbufline(buf, first, lines[at : at + common - 1])
    endif
    if put > common
      appendbufline(buf, first + common - 1, lines[at + common : at + put - 1])
    elseif drop > common
      deletebufline(buf, first + common, first + drop - 1)
    endif
    at += put
    i += 3
  endwhile
  for [name, value] in items(keep)
    setbufvar(buf, '&' .. name, value)
  endfor
  setbufvar(buf, '&modified', 0)
  s:StandStill(buf, seen)
enddef

function! Piecework_host_unfold(win) abort
  call win_execute(a:win, 'setlocal foldmethod=manual foldenable | silent! normal! zE')
endfunction

" [gone]: '3 9', lines of folds to take away; [ranges]: '3,5 9,12'. One call for all of them: each through
" win_execute would cost more than the fold.
function! Piecework_host_refold(win, gone, ranges) abort
  let s:gone = split(a:gone)
  let s:ranges = split(a:ranges)
  call win_execute(a:win, 'call ' .. expand('<SID>') .. 'refold()')
endfunction

function! s:refold() abort
  let view = winsaveview()
  for line in s:gone
    execute 'silent!' line .. 'normal! zd'
  endfor
  for range in s:ranges
    execute range .. 'fold'
  endfor
  call winrestview(view)
endfunction

let &cpoptions = s:save_cpo
unlet s:save_cpo
