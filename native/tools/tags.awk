# tags.awk: the help tags of doc/piecework.txt, as :helptags makes them, for who installs without a plugin manager.
# LC_ALL=C sort puts them in the order that Vim looks them up in.
{
  for (i = 1; i <= NF; i++) {
    if ($i !~ /^\*[^*|]+\*$/) continue
    tag = place = substr($i, 2, length($i) - 2)
    gsub(/[\\\/]/, "\\\\&", place)
    printf "%s\tpiecework.txt\t/*%s*\n", tag, place
  }
}
