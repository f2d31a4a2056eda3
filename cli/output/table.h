// What a command has to show, before it is known in which format.
//
// Cells hold text as it came from the server; the printer cleans it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"

namespace muster::cli {

// What a cell means; the printer chooses the color, and none where NO_COLOR says so.
enum class Tone { kPlain, kGood, kBad, kDoubtful };

struct Cell {
  Cell() = default;
  Cell(std::string text_in) : text(std::move(text_in)) {}  // NOLINT: a text is a cell
  Cell(const char* text_in) : text(text_in) {}             // NOLINT: a text is a cell
  Cell(std::string text_in, std::string exact_in)
      : text(std::move(text_in)), exact(std::move(exact_in)) {}

  std::string text;
  // For programs (CSV), where `text` is rounded for people; empty: the same.
  std::string exact;
  Tone tone = Tone::kPlain;
};

// Columns stand in the order of their worth: those to the right go first where a terminal is
// narrow.
struct Column {
  std::string title;
  // Only with -o wide and -o csv.
  bool wide = false;
  // May be cut where the terminal is too narrow.
  bool elastic = false;
  // For numbers.
  bool right = false;
};

struct Table {
  // A heading above the table; mostly empty.
  std::string title;
  std::vector<Column> columns;
  // Each row has one cell a column.
  std::vector<std::vector<Cell>> rows;
  // Shown as "column: cell" lines; for one thing in detail.
  bool vertical = false;
};

// One thing in all the formats at once: a command fills it in and does not ask which one is wanted.
struct Report {
  // The first is what -o csv shows.
  std::vector<Table> tables;
  // For -o name: resource names.
  std::vector<std::string> names;
  // For -o json and yaml; must outlive the printing.
  std::vector<const google::protobuf::Message*> messages;
  // For these two instead of `messages`, where the answer is no message of the API.
  std::string json;
  // True: an array even where there is one message.
  bool is_list = false;
  // Free text below the tables (what a router printed); may have line breaks.
  std::string text;
};

}  // namespace muster::cli
