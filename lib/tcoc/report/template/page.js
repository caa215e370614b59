"use strict";
/* Long tables: sort by a column, filter rows. Without this script they are whole and readable. */
document.querySelectorAll(".tcoc-table[data-long]").forEach(function (box) {
  var table = box.querySelector("table"), body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var tools = document.createElement("div"), label = document.createElement("label");
  var input = document.createElement("input"), said = document.createElement("output");
  tools.className = "tools";
  input.type = "search";
  label.append("Filter rows ", input);
  tools.append(label, said);
  box.prepend(tools);
  said.textContent = rows.length + " rows";
  input.addEventListener("input", function () {
    var wanted = input.value.toLowerCase(), shown = 0;
    rows.forEach(function (row) {
      row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0;
      shown += row.hidden ? 0 : 1;
    });
    said.textContent = shown + " of " + rows.length + " rows";
  });
  function value(row, at) {
    var text = row.cells[at].textContent.trim();
    var number = parseFloat(text.replace(/[$,+\s%]/g, "").replace("\u2212", "-"));
    return { text: text, number: number, none: text === "\u2021" || text === "\u2013" };
  }
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, at) {
    var button = document.createElement("button");
    button.type = "button";
    while (head.firstChild) { button.append(head.firstChild); }
    head.append(button);
    button.addEventListener("click", function () {
      var up = head.getAttribute("aria-sort") !== "ascending", right = head.classList.contains("r");
      table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.sort(function (one, two) {
        var a = value(one, at), b = value(two, at);
        if (a.none !== b.none) { return a.none ? 1 : -1; }
        var order = right ? a.number - b.number : a.text.localeCompare(b.text, "en");
        return up ? order : -order;
      });
      rows.forEach(function (row) { body.append(row); });
    });
  });
});
