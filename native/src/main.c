// main.c: the only file that ends the process.
#include <stdlib.h>

#include "front/cli.h"

int main(int argc, char **argv)
{
  exit(cli_main(argc, argv));
}
