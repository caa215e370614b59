"use strict";
/* Without this script every page is whole and readable: it sorts and filters long tables, marks one
   hospital, or those of a system, an ACO or a county, on all pages through the address
   (#hospital=210009, #hospital=system-medstar-health), and turns the what-if's controls. */
(function () {
  var all = function (query, from) { return Array.prototype.slice.call((from || document).querySelectorAll(query)); };
  var make = function (tag, words) { var e = document.createElement(tag); if (words) { e.textContent = words; } return e; };

  /* ---- long tables: sort by a column, filter rows */
  function value(row, at) {
    var text = row.cells[at].textContent.trim();
    var number = parseFloat(text.replace(/[$,+\s%]/g, "").replace("\u2212", "-"));
    return { text: text, number: number, none: text === "\u2021" || text === "\u2013" };
  }
  all(".tcoc-table[data-long]").forEach(function (box) {
    var table = box.querySelector("table"), body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows);
    var tools = make("div"), label = make("label", "Filter rows "), input = make("input"), said = make("output");
    tools.className = "tools"; input.type = "search"; label.append(input); tools.append(label, said); box.prepend(tools);
    said.textContent = rows.length + " rows";
    input.addEventListener("input", function () {
      var wanted = input.value.toLowerCase(), shown = 0;
      rows.forEach(function (row) {
        row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0;
        shown += row.hidden ? 0 : 1;
      });
      said.textContent = shown + " of " + rows.length + " rows";
    });
    var heads = all("thead th", table).filter(function (th) { return th.scope === "col"; });
    heads.sort(function (a, b) { return place(a) - place(b); });
    function place(th) {
      if (th.parentNode.rowIndex === 0) {
        var at = 0; for (var c = th.previousElementSibling; c; c = c.previousElementSibling) { at += c.colSpan; } return at;
      }
      var under = all("thead tr:first-child th", table), grouped = 0, seen = Array.prototype.indexOf.call(th.parentNode.cells, th);
      for (var i = 0; i < under.length; i++) {
        if (under[i].scope === "colgroup") { if (seen < under[i].colSpan) { return grouped + seen; } seen -= under[i].colSpan; }
        grouped += under[i].colSpan;
      }
      return grouped;
    }
    heads.forEach(function (head) {
      var at = place(head), button = make("button");
      button.type = "button";
      while (head.firstChild) { button.append(head.firstChild); }
      head.append(button);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending", right = head.classList.contains("r");
        all("th[aria-sort]", table).forEach(function (th) { th.removeAttribute("aria-sort"); });
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

  /* ---- tables that scroll show an edge where more is */
  var boxes = all(".tcoc-scroll");
  function edges() {
    boxes.forEach(function (box) {
      var more = box.scrollWidth - box.clientWidth - box.scrollLeft > 2;
      box.classList.toggle("more-right", more);
      box.classList.toggle("more-left", box.scrollLeft > 2);
    });
  }
  boxes.forEach(function (box) { box.addEventListener("scroll", edges, { passive: true }); });
  window.addEventListener("resize", edges);
  all("details").forEach(function (d) { d.addEventListener("toggle", edges); });
  edges();

  /* ---- what-if: every number shown is a cell of the table in the page */
  function amount(n, data) {
    if (n === null || n === undefined) { return "hidden"; }
    var share = data.percent ? 100 : 1, digits = data.digits;
    var text = Math.abs(n * share).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return (n < 0 ? "\u2212" : "") + (data.dollars ? "$" : "") + text + (data.percent ? "%" : "");
  }
  var turns = all(".what-if").map(function (box) {
    var data = JSON.parse(box.querySelector("script.data").textContent);
    var selects = all("select[data-dimension]", box), out = box.querySelector(".result");
    function turn() {
      var cells = data.cells[selects.map(function (s) { return s.value; }).join("|")];
      out.textContent = "";
      if (!cells) { out.append(make("p", "These terms were not computed together; choose others.")); return; }
      var up = 0, down = 0, ups = 0, downs = 0, hidden = 0, whole = null;
      Object.keys(cells).forEach(function (key) {
        var n = cells[key];
        if (data.whole.indexOf(key) >= 0) { whole = n; return; }
        if (n === null) { hidden += 1; } else if (n > 0) { up += n; ups += 1; } else if (n < 0) { down += n; downs += 1; }
      });
      var list = make("dl");
      function add(name, words) { var div = make("div"); div.append(make("dt", name), make("dd", words)); list.append(div); }
      add("Paid to " + ups + (ups === 1 ? " hospital" : " hospitals"), amount(up, data));
      add("Taken from " + downs + (downs === 1 ? " hospital" : " hospitals"), amount(down, data));
      add("Net", amount(whole === null ? up + down : whole, data));
      var mine = chosen();
      var own = members(mine).filter(function (ccn) { return ccn in cells; });
      if (mine) {
        var sum = own.reduce(function (all, ccn) { return all + (cells[ccn] || 0); }, 0), gone = own.some(function (ccn) { return cells[ccn] === null; });
        add(names[mine] || data.names[mine], own.length ? amount(gone ? null : sum, data) : "not in this table");
      }
      out.append(list);
      if (whole === null) { out.append(make("p", "Paid, taken and net are sums of hospitals\u2019 rounded amounts, so they may differ a little from totals elsewhere on this page.")); }
      if (hidden) { out.append(make("p", hidden + " hidden to protect small counts and not in the sums.")); }
    }
    selects.forEach(function (s) { s.addEventListener("change", turn); });
    box.querySelector("form").addEventListener("submit", function (e) { e.preventDefault(); });
    return turn;
  });

  /* ---- one hospital, chosen once, on every page */
  var names = {}, groups = {}, picker = document.querySelector(".picker select");
  if (picker) {
    all("option", picker).forEach(function (o) {
      if (!o.value) { return; }
      names[o.value] = o.textContent;
      if (o.hasAttribute("data-hospitals")) { groups[o.value] = o.getAttribute("data-hospitals").split(" ").filter(Boolean); }
    });
  }
  /* a hospital is its own; a system, an ACO and a county have the hospitals that the picker names */
  function members(choice) { return groups[choice] || (choice ? [choice] : []); }
  function chosen() {
    var found = /(?:^#|&)hospital=([\w-]+)(?:&|$)/.exec(window.location.hash);
    return found && (!picker || names[found[1]]) ? found[1] : "";
  }
  function sentence(row) {
    var table = row.closest("table"), heads = all("thead tr:last-child th", table), said = [];
    var groups = all("thead tr:first-child th[scope=colgroup]", table), flat = [];
    groups.forEach(function (g) { for (var i = 0; i < g.colSpan; i++) { flat.push(g.textContent.trim()); } });
    var start = row.cells.length - heads.length;
    for (var at = 1; at < row.cells.length && said.length < 6; at++) {
      var head = heads[groups.length ? at - start : at];
      if (!head) { continue; }
      var words = head.textContent.trim(), group = groups.length ? flat[at - start] : "";
      said.push((group ? group + " " : "") + words + " " + row.cells[at].textContent.trim());
    }
    return said.join("; ");
  }
  function line(box, words) {
    var p = box.querySelector(":scope > .mine");
    if (!words) { if (p) { p.remove(); } return; }
    if (!p) { p = make("p"); p.className = "mine"; box.prepend(p); }
    p.textContent = words;
  }
  function markAll() {
    var mine = chosen(), name = names[mine] || "";
    document.documentElement.classList.toggle("has-mine", !!mine);
    all(".is-mine").forEach(function (e) { e.classList.remove("is-mine"); });
    members(mine).forEach(function (ccn) {
      all('[data-ccn="' + ccn + '"]').forEach(function (e) { e.classList.add("is-mine"); });
    });
    all(".tcoc-table").forEach(function (box) {
      if (box.closest("details")) { return; }
      var rows = mine ? all("tbody tr.is-mine", box) : [];
      var more = rows.length > 1 ? " (the first of " + rows.length + " rows)" : "";
      var said = mine in groups ? rows.length + (rows.length === 1 ? " row is" : " rows are") + " marked" : rows.length && sentence(rows[0]) + more;
      line(box, rows.length ? name + ": " + said + "." : "");
    });
    all("figure").forEach(function (figure) {
      var seen = {}, said = [];
      (mine ? all(".wide .is-mine > title", figure) : []).forEach(function (t) {
        if (!seen[t.textContent] && said.length < 8) { seen[t.textContent] = 1; said.push(t.textContent); }
      });
      line(figure, said.length ? said.join("; ") + "." : "");
    });
    if (picker) { picker.value = mine; }
    var sheet = document.querySelector(".picker a.sheet");
    if (sheet) {
      var option = picker && picker.selectedOptions[0], path = option ? option.getAttribute("data-sheet") : "";
      sheet.hidden = !path;
      if (path) { sheet.setAttribute("href", path); } else { sheet.removeAttribute("href"); }
    }
    var out = document.querySelector(".picker output");
    if (out) {
      var places = all(".tcoc-table > .mine, figure > .mine").length;
      var chosenOption = picker.selectedOptions[0], dollars = mine && chosenOption ? chosenOption.getAttribute("data-dollars") : "";
      out.textContent = dollars ? name + ", " + dollars + "." : mine ? name + " is marked in " + places + (places === 1 ? " place" : " places") + " on this page." : "";
    }
    all("a[href]").forEach(function (a) {
      var href = a.getAttribute("href"), parts = /^([\w./-]+\.html)(#.*)?$/.exec(href);
      if (!parts) { return; }
      var kept = (parts[2] || "#").slice(1).split("&").filter(function (p) { return p && p.indexOf("hospital=") < 0; });
      if (mine) { kept.push("hospital=" + mine); }
      a.setAttribute("href", parts[1] + (kept.length ? "#" + kept.join("&") : ""));
    });
    turns.forEach(function (turn) { turn(); });
    edges();
  }
  function jump() {
    var first = window.location.hash.slice(1).split("&")[0];
    var target = first.indexOf("=") < 0 && first ? document.getElementById(decodeURIComponent(first)) : null;
    if (target && window.location.hash.indexOf("&") > 0) { target.scrollIntoView(); }
  }
  if (picker) {
    document.querySelector(".picker").hidden = false;
    picker.addEventListener("change", function () {
      window.history.replaceState(null, "", picker.value ? "#hospital=" + picker.value : window.location.pathname + window.location.search);
      markAll();
    });
  }
  /* a link inside of the page keeps the choice */
  document.addEventListener("click", function (event) {
    var a = event.target.closest ? event.target.closest('a[href^="#"]') : null, mine = chosen();
    if (!a || !mine) { return; }
    var target = document.getElementById(a.getAttribute("href").slice(1));
    if (!target) { return; }
    event.preventDefault();
    window.history.pushState(null, "", a.getAttribute("href") + "&hospital=" + mine);
    if (!target.hasAttribute("tabindex")) { target.setAttribute("tabindex", "-1"); }
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  });
  window.addEventListener("hashchange", function () { markAll(); jump(); });
  window.addEventListener("popstate", markAll);
  markAll();
  jump();
}());
