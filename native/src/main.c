// main.c: the only file that ends the process.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "front/cli.h"

// A closed stdin, stdout or stderr would become the number of the next file that is opened.
static void fill_standard_files(void)
{
  int fd;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) close(fd);
}

int main(int argc, char **argv)
{
  fill_standard_files();
  exit(cli_main(argc, argv));
}
