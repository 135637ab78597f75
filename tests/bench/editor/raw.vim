" raw.vim: the raw recipe in Vim script, the fastest way Vim has.
function! Bench_raw(buf, hunks, step) abort
  for i in range(a:hunks - 1, 0, -1)
    let line = i * a:step + 5
    call setbufline(a:buf, line, ['changed line ' .. line])
    call appendbufline(a:buf, line, ['and one more'])
  endfor
endfunction

" A text that came as JSON, put into the current buffer.
function! Bench_fill(json) abort
  call setline(1, json_decode(a:json))
endfunction

" The bare peer with a line a message; it begins when it is told to.
function! Bench_peer(peer, url, count) abort
  let s:peer = job_start([a:peer, 'stream', a:url, a:count],
        \ {'mode': 'nl', 'noblock': 1, 'out_cb': {_, line -> luaeval('FLOOR(_A)', line)}})
endfunction

function! Bench_begin() abort
  call ch_sendraw(s:peer, "\n")
endfunction
