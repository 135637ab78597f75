-- The host contract: all that the layer asks of an editor. One of nvim.lua, vim.lua or, outside
-- an editor, fake.lua answers; they are the only files that say `vim`.
--
-- All that crosses is a plain Lua value: strings, numbers, booleans, tables of these. Text is
-- UTF-8; what a Vim function or an option says yes or no to is 1 or 0. What an editor calls back
-- may come at any moment, also in the middle of the user's typing: a callback may record, and
-- changes buffers only through `safe`.

---@class piecework.Host
---@field name 'nvim'|'vim'|'fake'
---@field wire 'msgpack'|'json'  encoding spoken with the engine
---@field fn fun(name: string, ...): any  calls a Vim function; its failure is a Lua error
---@field list fun(): piecework.HostList  a list for `fn` that is made in parts: a large argument
---@field pack fun(text: string): any  as it goes over the wire: long texts are made ready in parts
---@field cmd fun(ex: string): boolean, string?  runs an Ex command; false and why when it failed
---@field cmd_in fun(buf: integer, ex: string): boolean, string?  the same with that buffer current
---@field connect fun(argv: string[], on: piecework.HostChannel): integer?, string?  an engine
---@field send fun(channel: integer, message: any): boolean  one message; never waits
---@field expect fun(channel: integer, yes: boolean)  messages are due although nothing was asked
---@field run fun(argv: string[], on: piecework.HostJob): integer?, string?  starts a program
---@field stop fun(job: integer)  ends a channel or a program; on.exit follows
---@field defer fun(ms: integer, callback: fun())  later, in any mode
---@field safe fun(callback: fun())  as soon as the user is not in the middle of something
---@field flush fun()  what waits for a safe time is done now (before quitting, in tests)
---@field echo fun(text: string, highlight: string)  one line that fits, kept in :messages
---@field event fun(name: string, data: table)  User autocommand; data also in g:piecework_event
---@field progress fun(progress: piecework.Progress)  for UIs that draw it; never a message
---@field here fun(): integer, integer, integer  the current buffer, the cursor's line, v:count1
---@field go fun(line: integer, jump: boolean, first?: integer, last?: integer)  the cursor there,
---  out of folds; [jump]: with a mark; and the lines down to [last] on the screen, or as many as
---  fit below [first]
---@field lines fun(buf: integer): string[]  the text of a loaded buffer
---@field change fun(buf: integer, edits: piecework.Edit[])  of a user's: bottom-up, marks stay
---@field fill fun(buf: integer, lines: string[])  whole text of a buffer of ours, without undo
---@field notes fun(buf: integer, notes: {line: integer, text: string}[])  text behind lines
---@field overlay fun(buf: integer, marks: piecework.Mark[])  drawn over the text; no others stay
---@field room fun()  the current window shows what is drawn above its first line
---@field splice fun(buf: integer, edits: piecework.TextEdit[], text: string)  some lines of it
---@field unfold fun(win: integer)  manual folds, and none yet
---@field refold fun(win: integer, gone: integer[], new: piecework.Fold[])  gone: at these lines
---@field popup fun(lines: string[], title: string)  by the cursor, until it moves, q or <Esc>
---@field ui fun(name: 'input'|'select'): function?  vim.ui's, where the user has put in another
---@field health fun(title: string, rows: piecework.HealthRow[])  writes a :checkhealth report
---@field clock fun(): number  milliseconds, only good for differences

---@class piecework.Edit  ascending; each counts lines as they were before all
---@field first integer
---@field count integer   lines from there that go; 0: what comes goes before it
---@field lines string[]  what comes

---@class piecework.Mark
---@field first integer   the line it begins at; with count 0 new lines go before it
---@field count integer   lines that would go
---@field lines string[]  lines that would come
---@field note? string    in their place, behind the line

---@class piecework.HostList
---@field add fun(value: table)
---@field use fun(run: fun(list: any))  runs with all that was added; then it is gone

---@class piecework.HostChannel
---@field message fun(message: any)  one decoded message
---@field exit fun(code: integer, stderr: string)  exactly once, the channel is dead

---@class piecework.HostJob
---@field cwd? string
---@field line fun(text: string)  a line of its output, stdout and stderr alike
---@field exit fun(code: integer)

if not vim then return require('piecework.host.fake') end
return require(vim.api and 'piecework.host.nvim' or 'piecework.host.vim')
