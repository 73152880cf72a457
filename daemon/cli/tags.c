/* bindery tags: tag lists from and to a spreadsheet. */
#include "tags.h"

#include <string.h>

#include "cli.h"

static int run(const void *block, int argc, char **argv)
{
    const struct tags_options *options = block;

    if (argc > 0 && strcmp(argv[0], "export") == 0)
        return tags_export(options, argv[1]);
    if (argc == 0 || strcmp(argv[0], "import") != 0)
        return cli_usage(&command_tags, "expected import FILE, import --machines FILE, or export");
    if ((argc == 2) == (options->machines != NULL))
        return cli_usage(&command_tags, "import: expected FILE, or --machines FILE");
    return options->machines ? tags_import_machines(options) : tags_import(options, argv[1]);
}

static const struct option_row rows[] = {
    OPTION_CONFIG(struct tags_options),
    {"output", 'o', OPTION_TEXT, offsetof(struct tags_options, output), "FILE",
     "where to, instead of standard output"},
    {"force", 'f', OPTION_FLAG, offsetof(struct tags_options, force), NULL,
     "replaces a file that is there already"},
    {"profile", 'p', OPTION_TEXT, offsetof(struct tags_options, profile), "NAME",
     "of the profile that is made, is exported, or is of machines without one"},
    {"machines", 'm', OPTION_TEXT, offsetof(struct tags_options, machines), "FILE",
     "import machines, a row each, that have a profile"},
    {"plc", 0, OPTION_TEXT, offsetof(struct tags_options, plc), "PLC",
     "whose register names the addresses are, as D100"},
    {"place", 0, OPTION_TEXT, offsetof(struct tags_options, place), "NAME=PLACE",
     "where a register of it stands, as D0=holding:4096"},
    {"encoding", 0, OPTION_TEXT, offsetof(struct tags_options, encoding), "ENCODING",
     "utf-8, gbk, gb18030 or utf-16; else it is found out"},
    {"no-bom", 0, OPTION_FLAG, offsetof(struct tags_options, no_bom), NULL,
     "export without the mark by which Excel knows UTF-8"},
    {0},
};

const struct command command_tags = {
    .name = "tags",
    .arguments = "import FILE | export [MACHINE]",
    .summary = "Tag lists from a spreadsheet's CSV and back",
    .details = "import makes a profile of a tag list: at least names and addresses, with types,\n"
               "orders, scales, units and titles where there are columns for them, in English or\n"
               "Chinese. Addresses: holding:100, 40001, 400001, 4x0001; 100, 0x64 and 64H with a\n"
               "column \"table\"; D100, X17, VW100 with --plc: delta-dvp, inovance-h5u, xinje-xd,\n"
               "xinje-xc, siemens-s7-200-smart or mitsubishi-fx3u. What is wrong is told as\n"
               "FILE:ROW:COLUMN, and nothing is written. bindery(1) has the columns' names.\n"
               "\nExamples:\n"
               "  bindery tags import press.csv -o profiles/press.yaml\n"
               "  bindery tags import --plc xinje-xd folder.csv -o profiles/folder.yaml\n"
               "  bindery tags import --machines hall.csv -c plant.yaml -o machines.d/hall.yaml\n"
               "  bindery tags export -c plant.yaml binder-1 -o binder-1.csv\n"
               "  bindery tags export --profile perfect-binder -o perfect-binder.csv\n",
    .options = rows,
    .options_size = sizeof(struct tags_options),
    .most_arguments = 2,
    .run = run,
};
