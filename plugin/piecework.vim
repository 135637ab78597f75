" piecework: big models plan and inspect, small ones do the work by the piece.
" Sourced by Vim and Neovim at startup: defines the command, maps and autocommands, loads nothing.

if exists('g:loaded_piecework')
  finish
endif
let g:loaded_piecework = 1

if has('nvim') ? !has('nvim-0.7') : v:version < 900
  command! -range -bang -nargs=* Piecework echo 'piecework: needs Neovim 0.7.2 or Vim 9.0, or newer'
  finish
endif

if !has('nvim') && !has('lua')
  command! -range -bang -nargs=* Piecework echo 'piecework: this Vim has no +lua; install vim-nox or vim-gtk3'
  finish
endif

let s:save_cpo = &cpoptions
set cpoptions&vim

function! s:run(first, last, given, bang, mods, args) abort
  call luaeval('require("piecework")._run(_A[1], _A[2], _A[3], _A[4], _A[5], _A[6])',
        \ [a:first, a:last, a:given, a:bang, a:mods, a:args])
endfunction

function! s:complete(lead, line, pos) abort
  return luaeval('require("piecework")._complete(_A[1], _A[2])', [a:lead, strpart(a:line, 0, a:pos)])
endfunction

" 'omnifunc' of plan buffers.
function! Piecework_omni(findstart, base) abort
  let found = luaeval('require("piecework")._omni(_A[1], _A[2])', [a:findstart, a:base])
  return a:findstart ? found : split(found, "\n")
endfunction

command! -range -bang -nargs=* -complete=custom,s:complete Piecework
      \ call s:run(<line1>, <line2>, <range>, <bang>0, <q-mods>, <q-args>)

augroup piecework
  autocmd!
  " A session names such a buffer, and does not read it.
  autocmd BufReadCmd,SessionLoadPost piecework://* call luaeval('require("piecework")._read(_A[1], _A[2])',
        \ [str2nr(expand('<abuf>')), expand('<amatch>')])
  autocmd BufWriteCmd piecework://* call luaeval('require("piecework")._write(_A)', str2nr(expand('<abuf>')))
  " Vim tells each renamed buffer, and asks for Enter; a session puts 'shortmess' back at its end.
  autocmd BufFilePost piecework://* if exists('g:SessionLoad') | set shortmess+=F | endif
  autocmd BufWipeout piecework://* call luaeval('require("piecework")._forget(_A)', str2nr(expand('<abuf>')))
augroup END

" Operators: g@ makes them take a motion or a text object, and repeat with the dot.
function! Piecework_operator(verb, type = '') abort
  if a:type ==# ''
    let &operatorfunc = 'Piecework_' .. a:verb
    return 'g@'
  endif
  let range = line("'[") .. ',' .. line("']")
  if a:verb ==# 'edit'
    " The instruction is typed on the command line, where it can be edited and found again.
    call feedkeys(':' .. range .. 'Piecework edit ', 'n')
  else
    execute range .. 'Piecework' a:verb
  endif
endfunction

function! Piecework_accept(type) abort
  call Piecework_operator('accept', a:type)
endfunction

function! Piecework_reject(type) abort
  call Piecework_operator('reject', a:type)
endfunction

function! Piecework_edit(type) abort
  call Piecework_operator('edit', a:type)
endfunction

" The lines of the hunk at the cursor. In visual mode V would end it, or go on from where it began.
function! s:hunk() abort
  let lines = split(luaeval('require("piecework")._hunk()'))
  if !empty(lines)
    execute 'normal!' (mode() =~# 'no' ? '' : "\<Esc>") .. lines[0] .. 'GV' .. lines[1] .. 'G'
  endif
endfunction

for s:verb in ['accept', 'reject', 'edit']
  for s:mode in ['n', 'x']
    execute s:mode .. "noremap <silent> <expr> <Plug>(piecework-" .. s:verb .. ") Piecework_operator('" .. s:verb .. "')"
  endfor
  execute "nnoremap <silent> <expr> <Plug>(piecework-" .. s:verb .. "-line) Piecework_operator('" .. s:verb .. "') .. '_'"
endfor
onoremap <silent> <Plug>(piecework-hunk) <Cmd>call <SID>hunk()<CR>
xnoremap <silent> <Plug>(piecework-hunk) <Cmd>call <SID>hunk()<CR>
nnoremap <silent> <Plug>(piecework-status) <Cmd>Piecework status<CR>
nnoremap <silent> <Plug>(piecework-review) <Cmd>Piecework review<CR>
nnoremap <silent> <Plug>(piecework-plan) <Cmd>Piecework plan<CR>
unlet s:verb s:mode
let &cpoptions = s:save_cpo
unlet s:save_cpo
