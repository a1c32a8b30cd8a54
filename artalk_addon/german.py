# SPDX-License-Identifier: GPL-3.0-or-later
"""What artalk says in Blender, in German. How sentences with `{}` are put together: see `wording`."""
# ruff: noqa: E501 - a sentence reads better in one piece

_PANEL = {
    "Speech": "Sprechen",
    "Speech Animation": "Sprechanimation",
    "What can be done with speech: in the sequencer and for an object": (
        "Was sich mit Sprache tun lässt: im Sequenzer und für ein Objekt"
    ),
    "Character": "Figur",
    "Mesh that speaks; empty: the active one, or the only one in the scene": (
        "Mesh, das spricht; leer: das aktive, oder das einzige der Szene"
    ),
    "Model": "Modell",
    "Model that turns speech into motion": "Modell, das aus Sprache Bewegung macht",
    "artalk-mini (shipped)": "artalk-mini (dabei)",
    "ARTalk, released weights (wav2vec 2.0)": "ARTalk, veröffentlichte Gewichte (wav2vec 2.0)",
    "ARTalk, trained by its published code (with eyes)": "ARTalk, mit seinem veröffentlichten Code trainiert (mit Augen)",
    "ARTalk with the mimi audio encoder": "ARTalk mit dem Audio-Encoder mimi",
    "Licence: {}": "Lizenz: {}",
    "see its model card; yours to get": "steht bei den Gewichten, die man sich selbst holt",
    "Weights": "Gewichte",
    "Weights file of a model that does not come with artalk": (
        "Gewichtsdatei eines Modells, das nicht mit artalk kommt"
    ),
    "Strip": "Streifen",
    "Strips": "Streifen",
    "{} and {} more": "{} und {} weitere",
    "{} in the Video Sequencer.": "Im Videosequenzer {}.",
    "Add a sound strip with speech": "einen Tonstreifen mit Sprache hinzufügen",
    "Select one or more sound strips": "einen oder mehrere Tonstreifen auswählen",
    "Generate": "Erzeugen",
    "Generate {} Lines": "{} Zeilen erzeugen",
    "Generate Speech Animation": "Sprechanimation erzeugen",
    "Give the character keys that speak the selected sound strips; your edits stay, each line is a step of undo": (
        "Gibt der Figur Keyframes, mit denen sie die ausgewählten Tonstreifen spricht; eigene Änderungen bleiben, jede Zeile "
        "ist ein Schritt für Rückgängig"
    ),
    "Regenerate": "Neu erzeugen",
    "Bring lines up to date with their strips: the selected ones, or all of the character; your edits stay": (
        "Bringt Zeilen auf den Stand ihrer Streifen: die ausgewählten, oder alle der Figur; eigene Änderungen bleiben"
    ),
    "Cancel": "Abbrechen",
    "Cancelling…": "Wird abgebrochen …",
    "End a line that waits or runs, or all of them; what is written stays": (
        "Beendet eine Zeile, die wartet oder läuft, oder alle; was geschrieben ist, bleibt"
    ),
    "Of the line; 0 for all": "Der Zeile; 0 für alle",
    "Clear List": "Liste leeren",
    "Take the lines that have ended off the list": "Nimmt die fertigen Zeilen aus der Liste",
    "This model moves FLAME heads: choose your FLAME file, to fit its motion to this one.": (
        "Dieses Modell bewegt FLAME-Köpfe: die eigene FLAME-Datei wählen, um seine Bewegung auf diesen zu übertragen."
    ),
    "Timing": "Zeiten",
    "More Layers": "Weitere Ebenen",
    "Layers": "Ebenen",
    "FLAME motion has no layers": "FLAME-Bewegung hat keine Ebenen",
    "FLAME head; ARKit motion is fitted to it": "FLAME-Kopf; ARKit-Bewegung wird auf ihn übertragen",
    "{} of {} ARKit shapes are shown well: the text '{}' has all.": (
        "{} von {} ARKit-Formen sind gut zu sehen: der Text '{}' hat alle."
    ),
    "There is no FLAME head to report on: choose one in the panel or make it active.": (
        "Es gibt keinen FLAME-Kopf für den Bericht: einen im Bedienfeld wählen oder aktivieren."
    ),
    "My Edits": "Meine Änderungen",
    "Tools": "Werkzeuge",
    "All": "Alle",
    "Export Character…": "Figur exportieren …",
    "ARTalk character…": "ARTalk-Figur …",
    "Export ARTalk Character": "ARTalk-Figur exportieren",
    "Write the character with its speech to .glb, .fbx, .usdc or .abc, or its values alone to .csv; the scene stays": (
        "Schreibt die Figur mit dem, was sie spricht, als .glb, .fbx, .usdc oder .abc, oder nur ihre Werte als .csv; die "
        "Szene bleibt, wie sie ist"
    ),
    "Copy Report for a Bug": "Fehlerbericht kopieren",
    "Copy versions, choices and the last message to the clipboard, to be pasted into a report of a bug": (
        "Kopiert Versionen, Einstellungen und die letzte Meldung in die Zwischenablage, um sie in einen Fehlerbericht "
        "einzufügen"
    ),
    "The report is on the clipboard: paste it where you tell of the bug.": (
        "Der Bericht ist in der Zwischenablage: dort einfügen, wo der Fehler gemeldet wird."
    ),
}

_HEADS = {
    "Talking Head": "Sprechender Kopf",
    "Add a Head": "Einen Kopf hinzufügen",
    "Import a Head": "Einen Kopf importieren",
    "Ways to get a head": "Wege zu einem Kopf",
    "New ARTalk Head": "Neuer ARTalk-Kopf",
    "Add artalk's own head, with face shapes and bones, at the 3D cursor; it becomes the character": (
        "Setzt artalks eigenen Kopf mit Gesichtsformen und Knochen an den 3D-Cursor; er wird die Figur"
    ),
    "Import Free Head…": "Freien Kopf importieren …",
    "ICT-FaceKit Head (.obj)": "ICT-FaceKit-Kopf (.obj)",
    "Make the free head of ICT-FaceKit, from its folder of OBJ files, with bones for neck, jaw and eyes": (
        "Macht den freien Kopf von ICT-FaceKit aus dem Ordner mit seinen OBJ-Dateien, mit Knochen für Hals, Kiefer und Augen"
    ),
    "Import FLAME Head…": "FLAME-Kopf importieren …",
    "FLAME Head (.pkl, .npz, .pt)": "FLAME-Kopf (.pkl, .npz, .pt)",
    "Make a FLAME head from your own FLAME file, with its expressions, bones and correctives, at the 3D cursor": (
        "Macht aus der eigenen FLAME-Datei einen Kopf mit Ausdrücken, Knochen und Korrekturformen am 3D-Cursor"
    ),
    "Identity": "Identität",
    "The first identity shapes of FLAME": "Die ersten Identitätsformen von FLAME",
    "Identity File": "Identitätsdatei",
    "Identity numbers (betas) as .npy, .npz or text, instead of the sliders": (
        "Zahlen der Identität (betas) als .npy, .npz oder Text, anstelle der Regler"
    ),
    "Keep Identity Shapes": "Identitätsformen behalten",
    "Keep the identity as shape keys that can be changed later, instead of baking it into the mesh": (
        "Behält die Identität als Formschlüssel, die sich später ändern lassen, statt sie ins Mesh einzurechnen"
    ),
}

_LAYERS = {
    "Take": "Fassung",
    "Another number gives other blinks, glances and nods": "Eine andere Zahl gibt anderes Blinzeln, Blicken und Nicken",
    "Jaw": "Kiefer",
    "How far the jaw opens; lips that meet still do": (
        "Wie weit der Kiefer aufgeht; Lippen, die sich treffen, tun es weiterhin"
    ),
    "Lips": "Lippen",
    "How much the lips move; lips that meet still do": (
        "Wie sehr sich die Lippen bewegen; Lippen, die sich treffen, tun es weiterhin"
    ),
    "Brows": "Brauen",
    "How much the brows move": "Wie sehr sich die Brauen bewegen",
    "Head": "Kopf",
    "How much the head moves": "Wie sehr sich der Kopf bewegt",
    "Eyes": "Augen",
    "How far the eyes turn and the lids widen": "Wie weit sich die Augen drehen und die Lider öffnen",
    "Blinks": "Blinzeln",
    "How far the lids close in a blink; 0 for no blinks": "Wie weit sich die Lider beim Blinzeln schließen; 0 für keines",
    "Gaze": "Blick",
    "How much the eyes look about and hold against the head": (
        "Wie sehr die Augen umherschauen und der Kopfbewegung entgegenhalten"
    ),
    "Breath": "Atem",
    "How far the lips part before phrases": "Wie weit sich die Lippen vor einem Satzteil öffnen",
    "Pauses": "Pausen",
    "How much the mouth rests in pauses": "Wie sehr der Mund in Pausen ruht",
    "Smoothing": "Glättung",
    "Makes the model's motion softer; lips that meet stay sharp": (
        "Macht die Bewegung des Modells weicher; Lippen, die sich treffen, bleiben scharf"
    ),
    "Mouth Delay": "Mund später",
    "Brows Delay": "Brauen später",
    "Head Delay": "Kopf später",
    "Later than the voice by so many seconds; below 0 earlier": (
        "Um so viele Sekunden später als die Stimme; unter 0 früher"
    ),
    "Rest": "Ruhe",
    "How far the face goes back to rest between lines; 0 holds the last pose": (
        "Wie weit das Gesicht zwischen Zeilen zur Ruhe kommt; 0 hält die letzte Pose"
    ),
    "From Rest": "Aus der Ruhe",
    "Seconds before a line in which the face comes from rest": (
        "Sekunden vor einer Zeile, in denen das Gesicht aus der Ruhe kommt"
    ),
    "To Rest": "Zur Ruhe",
    "Seconds after a line in which the face goes back to rest": (
        "Sekunden nach einer Zeile, in denen das Gesicht zur Ruhe zurückgeht"
    ),
    "Preset": "Vorgabe",
    "Set the amounts of all layers at once; the curves follow, and your edits stay": (
        "Stellt alle Ebenen auf einmal ein; die Kurven folgen, und eigene Änderungen bleiben"
    ),
    "Natural": "Natürlich",
    "Calm": "Ruhig",
    "Lively": "Lebhaft",
    "On stage": "Auf der Bühne",
    "Mumbling": "Nuschelnd",
    "Mouth only": "Nur der Mund",
    "'{}' speaks in the manner '{}'.": "'{}' spricht jetzt in der Art '{}'.",
    "Follow Keyed Sliders": "Animierten Reglern folgen",
    "Bring the curves up to date with the sliders, after keys of the sliders themselves were moved": (
        "Bringt die Kurven auf den Stand der Regler, nachdem Keyframes der Regler selbst verschoben wurden"
    ),
    "{} line of '{}' follow the sliders.": "{} Zeile von '{}' folgt den Reglern.",
    "{} lines of '{}' follow the sliders.": "{} Zeilen von '{}' folgen den Reglern.",
}

_EDITS = {
    "Show My Edits": "Meine Änderungen zeigen",
    "Select the keys that you have changed on generated curves, and say where they are": (
        "Wählt die Keyframes aus, die auf erzeugten Kurven von Hand geändert wurden, und sagt, wo sie sind"
    ),
    "Drop My Edits": "Meine Änderungen verwerfen",
    "Drop My Edits Here": "Änderungen hier verwerfen",
    "Give generated curves back the keys that artalk made; undo brings your changes back": (
        "Gibt erzeugten Kurven die Keyframes zurück, die artalk gemacht hat; Rückgängig holt die eigenen wieder"
    ),
    "Where": "Wo",
    "Here": "Hier",
    "Where your changes run over the current frame": "Wo Änderungen über das aktuelle Bild laufen",
    "Everywhere": "Überall",
    "On all lines of the character": "Auf allen Zeilen der Figur",
    "You changed {} of '{}': {}{}.": "Geändert wurden {} von '{}': {}{}.",
    " and {} more": " und {} weitere",
    "{} curve": "{} Kurve",
    "{} curves": "{} Kurven",
    "Nothing was changed by hand on the lines of '{}'.": "Auf den Zeilen von '{}' wurde nichts von Hand geändert.",
    "{} curve of '{}' as generated again {}.": "{} Kurve von '{}' ist {} wieder wie erzeugt.",
    "{} curves of '{}' as generated again {}.": "{} Kurven von '{}' sind {} wieder wie erzeugt.",
    "at this frame": "an diesem Bild",
    "everywhere": "überall",
    "Nothing was changed by hand on '{}'{}: Show My Edits lists what was.": (
        "Auf '{}' wurde{} nichts von Hand geändert: 'Meine Änderungen zeigen' nennt, was geändert wurde."
    ),
    " at frame {}": " an Bild {}",
    "Reduce Keys": "Keyframes verringern",
    "Keep only the keys that are needed, so that the speech can be edited by hand; undo brings all of them back": (
        "Behält nur die nötigen Keyframes, damit sich das Sprechen von Hand bearbeiten lässt; Rückgängig holt alle wieder"
    ),
    "Bound (mm)": "Schranke (mm)",
    "How far a point of the face may be off, on a life-size head": (
        "Wie weit ein Punkt des Gesichts abweichen darf, an einem lebensgroßen Kopf"
    ),
    "'{}': {} keys became {}, no point is off by more than {} mm (bound {} mm){}.": (
        "'{}': aus {} Keyframes wurden {}, kein Punkt weicht mehr als {} mm ab (Schranke {} mm){}."
    ),
    "; {} curves with your edits are left alone": "; {} Kurven mit eigenen Änderungen blieben unberührt",
    "; 1 curve with your edits is left alone": "; 1 Kurve mit eigenen Änderungen blieb unberührt",
    "Every curve of '{}' holds edits of yours, so its keys were left as they are.": (
        "Jede Kurve von '{}' enthält eigene Änderungen; ihre Keyframes blieben, wie sie sind."
    ),
    "A bound of {} mm is not above 0: choose 0.3 mm, or less to stay closer.": (
        "Eine Schranke von {} mm liegt nicht über 0: 0,3 mm wählen, oder weniger, um näher zu bleiben."
    ),
}

_GENERATING = {
    "{} %, {} s": "{} %, {} s",
    "{} of {} lines": "{} von {} Zeilen",
    "{} of {} lines, {} left": "{} von {} Zeilen, noch {}",
    "waiting": "wartet",
    "waiting, {}": "wartet, {}",
    "cancelling…": "wird abgebrochen …",
    "cancelled": "abgebrochen",
    "done": "fertig",
    "failed": "gescheitert",
    "{} line written": "{} Zeile geschrieben",
    "{} lines written": "{} Zeilen geschrieben",
    "{} line written.": "{} Zeile geschrieben.",
    "{} lines written.": "{} Zeilen geschrieben.",
    "{} up to date.": "{} aktuell.",
    "{} failed": "{} gescheitert",
    "{} failed.": "{} gescheitert.",
    "{} cancelled.": "{} abgebrochen.",
    "Another file was opened: {} line was not generated.": "Eine andere Datei wurde geöffnet: {} Zeile wurde nicht erzeugt.",
    "Another file was opened: {} line{} not generated.": "Eine andere Datei wurde geöffnet: {0} Zeilen wurden nicht erzeugt.",
    "The line is up to date.": "Die Zeile ist aktuell.",
    "All {} lines are up to date.": "Alle {} Zeilen sind aktuell.",
    "The strip '{}' was deleted meanwhile: nothing was written for it.": (
        "Der Streifen '{}' wurde inzwischen gelöscht: für ihn wurde nichts geschrieben."
    ),
    "The character of '{}' was deleted meanwhile: choose another and generate again.": (
        "Die Figur von '{}' wurde inzwischen gelöscht: eine andere wählen und noch einmal erzeugen."
    ),
    "A generation is running: wait for it or cancel it": "Es wird gerade erzeugt: abwarten oder abbrechen",
    "Add a sound strip with speech to the sequencer first": "Zuerst einen Tonstreifen mit Sprache in den Sequenzer legen",
    "Cancelled, nothing was changed.": "Abgebrochen, nichts wurde verändert.",
    "{} on '{}': {} keys in {} curves{}{}{}.": "{} auf '{}': {} Keyframes in {} Kurven{}{}{}.",
    "{} of the curves have changed.": "{} der Kurven haben sich geändert.",
    "; {} more, as what they go on from has changed": "; {} weitere, da sich geändert hat, woran sie anknüpfen",
    "{} line": "{} Zeile",
    "{} lines": "{} Zeilen",
    ", without head turns (no head bone)": ", ohne Kopfbewegung (kein Kopfknochen)",
    "; your edits of {} curves are kept": "; eigene Änderungen an {} Kurven sind erhalten",
    ", without head turns (no head bone); your edits of {} curves are kept": (
        ", ohne Kopfbewegung (kein Kopfknochen); eigene Änderungen an {} Kurven sind erhalten"
    ),
    "Left alone, as other shape keys of the same meaning are there: {}.": (
        "Unberührt, da es andere Formschlüssel gleicher Bedeutung gibt: {}."
    ),
    "Of '{}' {} are missing, so the mouth moves little: '{}' fits better.": (
        "Von '{}' fehlen {}, der Mund bewegt sich also kaum: '{}' passt besser."
    ),
    "Of '{}' {} are missing, so the mouth moves little.": "Von '{}' fehlen {}, der Mund bewegt sich also kaum.",
    "Nothing of '{}' moves the mouth.": "Nichts von '{}' bewegt den Mund.",
    "Nothing of '{}' moves the mouth: '{}' fits better.": "Nichts von '{}' bewegt den Mund: '{}' passt besser.",
    "Nothing shows {}; the rest works.": "Nichts zeigt {}; der Rest funktioniert.",
    "It has visemes too, which are left alone, as ARKit shapes say more.": (
        "Auch Viseme sind da; sie bleiben unberührt, da ARKit-Formen mehr sagen."
    ),
    "The mapping names {}, which '{}' does not have; the rest works.": (
        "Die Zuordnung nennt {}, was '{}' nicht hat; der Rest funktioniert."
    ),
    "The bone '{}' is held by a constraint, which may undo its keys: mute the constraint.": (
        "Der Knochen '{}' wird von einer Einschränkung gehalten, die seine Keyframes aufheben kann: sie ausschalten."
    ),
    "The model '{}' moves vertices, which cannot be keyed: choose another model.": (
        "Das Modell '{}' bewegt Punkte, wofür es keine Keyframes gibt: ein anderes Modell wählen."
    ),
    "'{}' has no bones jaw, left_eye and right_eye that move its mesh, which ARKit motion needs: import your FLAME file with Import FLAME Head.": (
        "'{}' hat keine Knochen jaw, left_eye und right_eye, die sein Mesh bewegen, wie ARKit-Bewegung sie braucht: die eigene FLAME-Datei mit 'FLAME-Kopf importieren' einlesen."
    ),
    "The keys of '{}' are baked, and so yours: delete them to generate them again.": (
        "Die Keyframes von '{}' sind gebacken: zum neuen Erzeugen löschen."
    ),
    "No strip of this scene has been spoken by '{}' yet: press Generate first.": (
        "Noch kein Streifen dieser Szene wird von '{}' gesprochen: zuerst Erzeugen drücken."
    ),
    "There are no keys of artalk on '{}': generate first.": "Auf '{}' sind keine Keyframes von artalk: zuerst erzeugen.",
    "No key of artalk on '{}' moves its mouth: see the panel Mapping for what should.": (
        "Kein Keyframe von artalk auf '{}' bewegt den Mund: im Panel 'Zuordnung' steht, was ihn bewegen soll."
    ),
    "'{}' lies in a collection that is hidden or excluded: show it to export it.": (
        "'{}' liegt in einer Sammlung, die verborgen oder ausgeschlossen ist: zum Exportieren einblenden."
    ),
    "The character '{}' is no longer there: choose another and generate again.": (
        "Die Figur '{}' gibt es nicht mehr: eine andere wählen und noch einmal erzeugen."
    ),
    "The frame rate was changed while '{}' was being made: generate it again.": (
        "Die Bildrate wurde geändert, während '{}' entstand: noch einmal erzeugen."
    ),
    "The armature of '{}' is no longer there: choose another character.": (
        "Die Armatur von '{}' gibt es nicht mehr: eine andere Figur wählen."
    ),
    "The character '{}' is linked from another file and read-only: make it local, or override it together with its "
    "mesh, or generate in its own file.": (
        "Die Figur '{}' ist aus einer anderen Datei verknüpft und schreibgeschützt: lokal machen, samt Mesh "
        "überschreiben, oder in ihrer eigenen Datei erzeugen."
    ),
    "{} of '{}' already has keys that artalk did not make: delete them, or give the character another action.": (
        "{} von '{}' hat schon Keyframes, die nicht von artalk sind: diese löschen, oder der Figur eine andere Aktion geben."
    ),
    "{} of '{}' is driven, so keys would not move it: remove its driver first.": (
        "{} von '{}' folgt einem Treiber, Keyframes würden nichts bewegen: zuerst den Treiber entfernen."
    ),
    "There is no character: press New ARTalk Head, or select a mesh with ARKit shape keys, with visemes, or on a rig "
    "with a jaw.": (
        "Es gibt keine Figur: 'Neuer ARTalk-Kopf' drücken, oder ein Mesh mit ARKit-Formschlüsseln, mit Visemen oder an "
        "einem Rig mit Kiefer auswählen."
    ),
    "There are {} characters in the scene: choose one in the panel or make it active.": (
        "In der Szene sind {} Figuren: eine im Panel wählen oder aktiv machen."
    ),
    "'{}' cannot speak, as it lacks the shape keys {}: choose a mesh with ARKit shape keys or visemes, or press New "
    "ARTalk Head.": (
        "'{}' kann nicht sprechen, da die Formschlüssel {} fehlen: ein Mesh mit ARKit-Formschlüsseln oder Visemen wählen, "
        "oder 'Neuer ARTalk-Kopf' drücken."
    ),
    "'{}' has {} of the {} expressions that the model moves: import a FLAME file with all of them.": (
        "'{}' hat {} der {} Ausdrücke, die das Modell bewegt: eine FLAME-Datei mit allen importieren."
    ),
    "artalk failed ({}: {}): see the console, please report.": (
        "artalk ist gescheitert ({}: {}): die Konsole ansehen und bitte melden."
    ),
}

_STRIPS = {
    "The strip '{}'": "Der Streifen '{}'",
    "No sound strip is selected: select one or more in the sequencer and try again.": (
        "Kein Tonstreifen ist ausgewählt: im Sequenzer einen oder mehrere auswählen und noch einmal versuchen."
    ),
    "There is no channel '{}' in the sequencer of '{}': look at its left.": (
        "Im Sequenzer von '{1}' gibt es keinen Kanal '{0}': links in ihm nachsehen."
    ),
    "The strip '{}' is {} hours long, and a line may have {} at most: cut it into shorter strips.": (
        "Der Streifen '{}' ist {} Stunden lang, eine Zeile darf höchstens {} haben: in kürzere Streifen schneiden."
    ),
    "The strip '{}' has no sound: choose a sound file for it.": (
        "Der Streifen '{}' hat keinen Ton: eine Tondatei für ihn wählen."
    ),
    "The sound file '{}' of the strip '{}' is missing: find it or replace it.": (
        "Die Tondatei '{}' des Streifens '{}' fehlt: suchen oder ersetzen."
    ),
    "The strip '{}' is a scene, or played at another speed or volume, which this build of Blender cannot mix: render "
    "its sound to a file first.": (
        "Der Streifen '{}' ist eine Szene oder wird mit anderer Geschwindigkeit oder Lautstärke gespielt, was dieses "
        "Blender nicht mischen kann: seinen Ton zuerst in eine Datei rendern."
    ),
    "The strip '{}' lies {} hours into a compressed sound, which is read from its beginning: convert the sound to WAV "
    "or FLAC.": (
        "Der Streifen '{}' liegt {} Stunden tief in einem komprimierten Ton, der von vorn gelesen wird: ihn in WAV oder "
        "FLAC umwandeln."
    ),
    "The sound '{}' of the strip '{}' is not audio that can be read: use WAV, FLAC, OGG or MP3.": (
        "Der Ton '{}' des Streifens '{}' lässt sich nicht lesen: WAV, FLAC, OGG oder MP3 verwenden."
    ),
    "'{}' is a folder: give a sound file.": "'{}' ist ein Ordner: eine Tondatei angeben.",
    "The sound file '{}' is missing: check the path.": "Die Tondatei '{}' fehlt: den Pfad prüfen.",
    "The sound file '{}' is empty: choose one with speech in it.": (
        "Die Tondatei '{}' ist leer: eine mit Sprache wählen."
    ),
    "{} has no length: make it longer than zero frames.": "{} hat keine Länge: ihn länger als null Bilder machen.",
    "{} holds samples that are no numbers or far too large: export the sound again.": (
        "{} enthält Werte, die keine Zahlen oder viel zu groß sind: den Ton noch einmal exportieren."
    ),
    "{} holds only silence: choose a sound with speech in it, or make it louder.": (
        "{} enthält nur Stille: einen Ton mit Sprache wählen oder ihn lauter stellen."
    ),
    "'{}' is not an audio file that can be read: use WAV, FLAC, OGG, MP3 or AIFF.": (
        "'{}' ist keine lesbare Tondatei: WAV, FLAC, OGG, MP3 oder AIFF verwenden."
    ),
    "'{}' is not a plain WAV file, which is all that can be read without the Python package 'soundfile': export it as "
    "WAV with 16 bits.": (
        "'{}' ist keine einfache WAV-Datei, und anderes ist ohne das Python-Paket 'soundfile' nicht lesbar: als WAV mit "
        "16 Bit exportieren."
    ),
    "The model takes mono audio, not an array of shape {}: mix the channels first.": (
        "Das Modell nimmt einkanaligen Ton, kein Feld der Form {}: die Kanäle zuerst mischen."
    ),
    "There is no audio to speak: the clip has no samples, choose one that is not empty.": (
        "Es gibt keinen Ton zu sprechen: der Ausschnitt ist leer, einen anderen wählen."
    ),
    "The audio holds values that are not numbers or far too large: export it again as WAV.": (
        "Der Ton enthält Werte, die keine Zahlen oder viel zu groß sind: noch einmal als WAV exportieren."
    ),
}

_MOVES = {
    "Fix": "Beheben",
    "Change the setting that keeps the character from moving; undo changes it back": (
        "Ändert die Einstellung, die die Figur am Bewegen hindert; Rückgängig ändert sie zurück"
    ),
    "Fixed: {}": "Behoben: {}",
    "Why Does It Not Move?": "Warum bewegt sich nichts?",
    "Look whether the lips of the character move with their keys, and say why if they do not; changes nothing": (
        "Sieht nach, ob sich die Lippen der Figur mit ihren Keyframes bewegen, und sagt sonst, warum nicht; verändert nichts"
    ),
    "The lips of '{}' move.": "Die Lippen von '{}' bewegen sich.",
    "But the lips do not move.": "Aber die Lippen bewegen sich nicht.",
    "There is nothing to fix on '{}' any more: generate, or scrub to see it move.": (
        "An '{}' ist nichts mehr zu beheben: erzeugen, oder durch die Zeit fahren, um die Bewegung zu sehen."
    ),
    "{}, {} and {} more": "{}, {} und {} weitere",
    "The mesh '{}' stays as it is although its keys change: look for modifiers or another animation that move it.": (
        "Das Mesh '{}' bleibt, wie es ist, obwohl sich seine Keyframes ändern: nach Modifikatoren oder einer anderen "
        "Animation suchen, die es bewegen."
    ),
    "'{}' plays another slot of the action '{}' than the one with the speech: choose that slot.": (
        "'{}' spielt einen anderen Slot der Aktion '{}' als den mit dem Sprechen: diesen Slot wählen."
    ),
    "Choose the Slot": "Den Slot wählen",
    "'{}' is linked from another file and read-only: make it local, or generate in its own file.": (
        "'{}' ist aus einer anderen Datei verknüpft und schreibgeschützt: lokal machen, oder in der eigenen Datei erzeugen."
    ),
    "'{}' is in {} mode, which does not show its animation: leave it.": (
        "'{}' ist im {}, der die Animation nicht zeigt: ihn verlassen."
    ),
    "edit": "Bearbeitungsmodus",
    "sculpt": "Skulpturmodus",
    "Leave Edit Mode": "Bearbeitungsmodus verlassen",
    "Leave Sculpt Mode": "Skulpturmodus verlassen",
    "'{}' is switched off in viewports, so nothing of it is seen: switch it on.": (
        "'{}' ist in Ansichten ausgeschaltet, also ist nichts zu sehen: einschalten."
    ),
    "Show Character": "Figur zeigen",
    "'{}' is in the collection '{}', which is switched off: switch it on.": (
        "'{}' ist in der Sammlung '{}', die ausgeschaltet ist: einschalten."
    ),
    "Switch Collection On": "Sammlung einschalten",
    "The shape keys of '{}' are not relative, so their values have no effect: switch Relative on.": (
        "Die Formschlüssel von '{}' sind nicht relativ, ihre Werte wirken also nicht: 'Relativ' einschalten."
    ),
    "Make Relative": "Relativ machen",
    "'{}' shows one shape key alone (the pin beside its shape keys): switch that off.": (
        "'{}' zeigt nur einen Formschlüssel (die Nadel neben den Formschlüsseln): das ausschalten."
    ),
    "Show All Shapes": "Alle Formen zeigen",
    "The shape keys {} of '{}' are switched off: switch them on.": (
        "Die Formschlüssel {} von '{}' sind ausgeschaltet: einschalten."
    ),
    "Switch Shapes On": "Formen einschalten",
    "The shape keys {} of '{}' are relative to themselves and so move nothing: make them relative to the first one.": (
        "Die Formschlüssel {} von '{}' sind relativ zu sich selbst und bewegen nichts: auf den ersten beziehen."
    ),
    "Make Relative to Basis": "Auf die Basis beziehen",
    "The sliders of {} on '{}' end before the speech does, which cuts it off: widen their range.": (
        "Die Regler von {} an '{}' enden, bevor das Sprechen es tut, und schneiden es ab: ihren Bereich weiten."
    ),
    "Widen Sliders": "Regler weiten",
    "The FLAME File '{}' is another version of FLAME than '{}' (basis {}, not {}), and this model needs none: clear FLAME "
    "File, or choose the file that the head was made from.": (
        "Die FLAME-Datei '{}' ist eine andere FLAME-Fassung als '{}' (Basis {}, nicht {}), und dieses Modell braucht "
        "keine: die FLAME-Datei leeren oder die wählen, aus der der Kopf gemacht ist."
    ),
    "'{}' and '{}' share one mesh, so speech for one overwrites the other's: make it single-user to let each speak.": (
        "'{}' und '{}' teilen sich ein Mesh, Sprechen des einen überschreibt das des anderen: es zum eigenen machen, "
        "damit jeder für sich spricht."
    ),
    "'{}' and '{}' share one mesh and speak alike: make it single-user to let each speak.": (
        "'{}' und '{}' teilen sich ein Mesh und sprechen gleich: es zum eigenen machen, damit jeder für sich spricht."
    ),
    "Make Single-User": "Zum eigenen machen",
    "{} of '{}' follow drivers, so keys would not move them: mute or remove the drivers.": (
        "{} von '{}' folgen Treibern, Keyframes würden nichts bewegen: die Treiber ausschalten oder entfernen."
    ),
    "Mute Drivers": "Treiber ausschalten",
    "Curves of '{}' are locked, so their keys may not be changed: unlock them.": (
        "Kurven von '{}' sind gesperrt, ihre Keyframes lassen sich nicht ändern: entsperren."
    ),
    "Unlock Curves": "Kurven entsperren",
    "Curves of '{}' are muted in the graph editor, so they move nothing: unmute them.": (
        "Kurven von '{}' sind im Grapheneditor stumm und bewegen nichts: einschalten."
    ),
    "Unmute Curves": "Kurven einschalten",
    "The modifiers {} of '{}' are switched off, so bones do not move it: switch them on.": (
        "Die Modifikatoren {} von '{}' sind ausgeschaltet, Knochen bewegen nichts: einschalten."
    ),
    "Switch Modifiers On": "Modifikatoren einschalten",
    "The modifier '{}' of '{}' plays a cache in place of its shapes: switch it off.": (
        "Der Modifikator '{}' von '{}' spielt einen Cache anstelle der Formen: ausschalten."
    ),
    "Switch Cache Off": "Cache ausschalten",
    "The armature '{}' shows its rest position, so its bones do not move: show its pose.": (
        "Die Armatur '{}' zeigt ihre Ruheposition, ihre Knochen bewegen sich nicht: ihre Pose zeigen."
    ),
    "Show Pose": "Pose zeigen",
    "There are keys for {}, but '{}' has no shape keys of these names: rename its shape keys, or generate again.": (
        "Es gibt Keyframes für {}, aber '{}' hat keine Formschlüssel dieser Namen: umbenennen, oder noch einmal erzeugen."
    ),
    "An NLA strip of '{}' is being edited, so its action cannot be changed: leave tweak mode (Tab).": (
        "Ein NLA-Streifen von '{}' wird gerade bearbeitet, seine Aktion ist gesperrt: die Bearbeitung verlassen (Tab)."
    ),
    "Leave Tweak Mode": "Bearbeitung verlassen",
    "The NLA track '{}' of '{}' plays alone, without the keys of its action: take the star off it.": (
        "Die NLA-Spur '{}' von '{}' spielt allein, ohne die Keyframes der Aktion: ihr den Stern nehmen."
    ),
    "Play All Tracks": "Alle Spuren spielen",
    "The action of '{}' has an influence of {} in the NLA: set it to 1.": (
        "Die Aktion von '{}' hat in der NLA einen Einfluss von {}: auf 1 stellen."
    ),
    "Set Influence to 1": "Einfluss auf 1 stellen",
    "The action of '{}' is laid over the NLA by '{}', which is not how speech is meant: set it to Replace.": (
        "Die Aktion von '{}' wird mit '{}' über die NLA gelegt, was für Sprechen nicht passt: auf 'Ersetzen' stellen."
    ),
    "Set to Replace": "Auf 'Ersetzen' stellen",
    "The speech is on the shape keys of the mesh '{}', but '{}' shows the mesh '{}': put it on that one too, or "
    "generate on this character.": (
        "Das Sprechen liegt auf den Formschlüsseln des Meshes '{}', aber '{}' zeigt das Mesh '{}': auch dorthin legen, "
        "oder auf dieser Figur erzeugen."
    ),
    "Use the Same Action": "Dieselbe Aktion verwenden",
    "The speech of '{}' is in the NLA strip '{}', which is muted: unmute it.": (
        "Das Sprechen von '{}' ist im NLA-Streifen '{}', der stumm ist: einschalten."
    ),
    "Unmute": "Einschalten",
    "'{}' no longer plays the action '{}' with its speech: assign it again.": (
        "'{}' spielt die Aktion '{}' mit dem Sprechen nicht mehr: wieder zuweisen."
    ),
    "Assign the Action": "Die Aktion zuweisen",
}

_MAPPING = {
    "Mapping": "Zuordnung",
    "No character": "Keine Figur",
    "Recognised by itself; Detect lists how": "Von selbst erkannt; Erkennen zeigt, wie",
    "Detect": "Erkennen",
    "Recognise the character's shapes and bones, and list what will move them; a table that was changed is lost": (
        "Erkennt Formen und Knochen der Figur und zeigt, was sie bewegen wird; eine geänderte Tabelle geht verloren"
    ),
    "As": "Als",
    "What its mouth is taken for": "Wofür ihr Mund gehalten wird",
    "Automatic": "Automatisch",
    "Take what fits best": "Nimmt, was am besten passt",
    "ARKit shapes": "ARKit-Formen",
    "Oculus visemes": "Oculus-Viseme",
    "Preston Blair mouths": "Preston-Blair-Münder",
    "Rhubarb mouths": "Rhubarb-Münder",
    "VRM expressions": "VRM-Ausdrücke",
    "Rigify face": "Rigify-Gesicht",
    "Jaw and eye bones": "Kiefer- und Augenknochen",
    "Take it for {}": "Als {} nehmen",
    "{}: {} rows.": "{}: {} Zeilen.",
    "Forget this table: the character is recognised anew at each generation": (
        "Vergisst diese Tabelle: die Figur wird bei jedem Erzeugen neu erkannt"
    ),
    "Save Preset": "Vorgabe speichern",
    "Keep this table under a name, for other characters and files": (
        "Behält diese Tabelle unter einem Namen, für andere Figuren und Dateien"
    ),
    "The mapping is kept in '{}'.": "Die Zuordnung liegt in '{}'.",
    "Load Preset": "Vorgabe laden",
    "Give the character a table that was kept before, in place of its own": (
        "Gibt der Figur eine früher behaltene Tabelle anstelle ihrer eigenen"
    ),
    "'{}' takes the mapping '{}'.": "'{}' nimmt die Zuordnung '{}'.",
    "File": "Datei",
    "A preset's name, or a mapping file": "Name einer Vorgabe, oder eine Zuordnungsdatei",
    "Name": "Name",
    "The preset's name; one of the same name is replaced": "Name der Vorgabe; eine gleichen Namens wird ersetzt",
    "Preset or family of names that it came from": "Vorgabe oder Namensfamilie, aus der sie stammt",
    "Target": "Ziel",
    "Shape key or bone that is moved": "Formschlüssel oder Knochen, der bewegt wird",
    "Channels": "Kanäle",
    "What moves it, such as 'jawOpen' or '0.5 eyeBlinkLeft + 0.5 eyeBlinkRight'": (
        "Was es bewegt, etwa 'jawOpen' oder '0.5 eyeBlinkLeft + 0.5 eyeBlinkRight'"
    ),
    "Kind": "Art",
    "What is done to the target": "Was mit dem Ziel geschieht",
    "Shape": "Form",
    "A shape key": "Ein Formschlüssel",
    "Nod": "Nicken",
    "Turns about the axis to the character's left; more lowers the chin": (
        "Dreht um die Achse zur Linken der Figur; mehr senkt das Kinn"
    ),
    "Turn": "Drehen",
    "Turns about the upright axis; more is to the character's left": (
        "Dreht um die senkrechte Achse; mehr geht zur Linken der Figur"
    ),
    "Tilt": "Neigen",
    "Turns about the axis forward; more is towards the right shoulder": (
        "Dreht um die Achse nach vorn; mehr geht zur rechten Schulter"
    ),
    "Left": "Links",
    "Moves to the character's left, in distances between the eyes": (
        "Verschiebt zur Linken der Figur, in Augenabständen"
    ),
    "Up": "Oben",
    "Moves up, in distances between the eyes": "Verschiebt nach oben, in Augenabständen",
    "Forward": "Vorn",
    "Moves forward, in distances between the eyes": "Verschiebt nach vorn, in Augenabständen",
    "Mode": "Weise",
    "How its value comes about": "Wie sein Wert entsteht",
    "Sum": "Summe",
    "The channels are added up": "Die Kanäle werden addiert",
    "Viseme": "Visem",
    "The channels are what the target looks like; all visemes are fitted together": (
        "Die Kanäle sagen, wie das Ziel aussieht; alle Viseme werden gemeinsam angepasst"
    ),
    "Gain": "Verstärkung",
    "Factor on its value": "Faktor auf seinen Wert",
    "Offset": "Versatz",
    "Added to its value": "Wird zu seinem Wert addiert",
    "Least": "Kleinster",
    "Its value is never below": "Sein Wert liegt nie darunter",
    "Most": "Größter",
    "Its value is never above": "Sein Wert liegt nie darüber",
    "On": "An",
    "Make keys for it": "Keyframes dafür machen",
    "'{}' has nothing of {}: choose Automatic.": "'{}' hat nichts von {}: Automatisch wählen.",
    "There is no mapping '{}': give a file, or a preset ({}).": (
        "Es gibt keine Zuordnung '{}': eine Datei oder eine Vorgabe ({}) angeben."
    ),
    "A mapping is kept by the artalk extension: install and enable it in this Blender.": (
        "Zuordnungen behält die Erweiterung artalk: sie in diesem Blender installieren und einschalten."
    ),
    "'{}' is linked from another file: make it local or a library override first.": (
        "'{}' ist aus einer anderen Datei verknüpft: zuerst lokal machen oder überschreiben."
    ),
    "'{}' cannot be a preset's name: use letters, digits, spaces, '-' and '_'.": (
        "'{}' kann keine Vorgabe heißen: Buchstaben, Ziffern, Leerzeichen, '-' und '_' verwenden."
    ),
    "A row without channels moves nothing: write some, such as 'jawOpen'.": (
        "Eine Zeile ohne Kanäle bewegt nichts: welche eintragen, etwa 'jawOpen'."
    ),
    "'{}' is no mapping of artalk's: save one from the panel and edit that.": (
        "'{}' ist keine Zuordnung von artalk: eine aus dem Panel speichern und die bearbeiten."
    ),
    "The mapping '{}' is of format {}, this artalk reads {}.": (
        "Die Zuordnung '{}' hat das Format {}, dieses artalk liest {}."
    ),
    "Row {} of the mapping '{}'": "Zeile {} der Zuordnung '{}'",
    "{} lacks a target or its sources: write both as text.": "{} hat kein Ziel oder keine Quellen: beide als Text eintragen.",
    "{} has '{}', which means nothing: take it out.": "{} hat '{}', was nichts bedeutet: herausnehmen.",
    "{} is neither on nor off: write true or false.": "{} ist weder an noch aus: true oder false eintragen.",
    "'{}' is no sum of channels: write it like '0.5 jawOpen - mouthClose'.": (
        "'{}' ist keine Summe von Kanälen: wie '0.5 jawOpen - mouthClose' schreiben."
    ),
    "There is no channel '{}': use ARKit's names, such as jawOpen, or head_x.": (
        "Es gibt keinen Kanal '{}': ARKits Namen verwenden, wie jawOpen, oder head_x."
    ),
    "The mapping '{}' is not JSON: save it again from the panel.": (
        "Die Zuordnung '{}' ist kein JSON: noch einmal aus dem Panel speichern."
    ),
    "{} has the {} '{}': use one of {}.": "{} hat als {} '{}': eines von {} verwenden.",
    "{} has a {} that is no number: write one, such as 1.0.": "{} hat als {} keine Zahl: eine eintragen, etwa 1.0.",
    "There is no mapping '{}': give a file saved from the panel.": (
        "Es gibt keine Zuordnung '{}': eine aus dem Panel gespeicherte Datei angeben."
    ),
    "The mapping '{}' cannot be read: give a file saved from the panel.": (
        "Die Zuordnung '{}' ist nicht lesbar: eine aus dem Panel gespeicherte Datei angeben."
    ),
}

_PREFERENCES = {
    "Device": "Gerät",
    "What models run on, from the next generation on": "Worauf Modelle laufen, ab dem nächsten Erzeugen",
    "The graphics card where there is one, else the processor": "Die Grafikkarte, wo es eine gibt, sonst der Prozessor",
    "Processor": "Prozessor",
    "Works everywhere": "Geht überall",
    "NVIDIA graphics card": "NVIDIA-Grafikkarte",
    "NVIDIA graphics card (CUDA)": "NVIDIA-Grafikkarte (CUDA)",
    "AMD graphics card (ROCm)": "AMD-Grafikkarte (ROCm)",
    "Apple graphics": "Apple-Grafik",
    "Apple graphics (Metal)": "Apple-Grafik (Metal)",
    "Through CUDA": "Durch CUDA",
    "Through Metal": "Durch Metal",
    "Threads": "Threads",
    "Threads of the processor that models may use; 0 for all of them, fewer leave room for other work": (
        "Threads des Prozessors, die Modelle verwenden dürfen; 0 für alle, weniger lassen Platz für andere Arbeit"
    ),
    "Model Folder": "Modellordner",
    "Where models and styles lie that do not come with artalk; empty: in Blender's own folder": (
        "Wo Modelle und Stile liegen, die nicht mit artalk kommen; leer: in Blenders eigenem Ordner"
    ),
    "Engine": "Rechenwerk",
    "What computes": "Womit gerechnet wird",
    "PyTorch where Blender's Python has it, else NumPy": "PyTorch, wo Blenders Python es hat, sonst NumPy",
    "PyTorch": "PyTorch",
    "Runs every model; Blender's Python must have it": "Rechnet jedes Modell; Blenders Python muss es haben",
    "NumPy": "NumPy",
    "Comes with Blender and runs artalk-mini, with the same result": (
        "Kommt mit Blender und rechnet artalk-mini, mit demselben Ergebnis"
    ),
    "Engine environment": "Eigene Umgebung",
    "PyTorch in another Python, beside Blender": "PyTorch in einem anderen Python, neben Blender",
    "Engine Python": "Python der Umgebung",
    "The Python of an environment that has PyTorch; runs what Blender's own Python cannot": (
        "Das Python einer Umgebung mit PyTorch; rechnet, was Blenders eigenes nicht kann"
    ),
}

_ENGINE = {
    "Set Up Engine…": "Rechenwerk einrichten …",
    "Install PyTorch into an environment beside Blender, which runs the published models; asks first": (
        "Installiert PyTorch in eine Umgebung neben Blender, die die veröffentlichten Modelle rechnet; fragt vorher"
    ),
    "What the engine is to run on": "Worauf das Rechenwerk laufen soll",
    "Folder of wheels": "Ordner mit Wheels",
    "Install from these files, without a network; empty: download": (
        "Aus diesen Dateien installieren, ohne Netz; leer: herunterladen"
    ),
    "Address of the build": "Adresse der Fassung",
    "What follows --index-url on PyTorch's 'Get Started' page; empty: pip's own index": (
        "Was auf PyTorchs Seite 'Get Started' nach --index-url steht; leer: pips eigener Index"
    ),
    "Python": "Python",
    "The Python that makes the environment; empty: one that is found on this machine": (
        "Das Python, das die Umgebung anlegt; leer: eines, das auf diesem Rechner gefunden wird"
    ),
    "Install this": "Dies installieren",
    "Nothing happens without this": "Ohne dies geschieht nichts",
    "For": "Für",
    "Made with": "Gemacht mit",
    "Looking at {}": "Wird geprüft: {}",
    "PyTorch, transformers, SciPy, NumPy and safetensors": "PyTorch, transformers, SciPy, NumPy und safetensors",
    "pip cannot reach its index: check the connection and set up again, which goes on where it stopped.": (
        "pip erreicht seinen Index nicht: die Verbindung prüfen und erneut einrichten, was weitermacht."
    ),
    "From": "Woher",
    "Size": "Größe",
    "What": "Was",
    "{}, over the network": "{}, über das Netz",
    "pip’s own index": "pips eigener Index",
    "{} GB are free": "{} GB sind frei",
    "several GB; {}": "mehrere GB; {}",
    "about {} GB on disk; {}": "etwa {} GB auf der Platte; {}",
    "about {} GB to download, about {} GB on disk; {}": "etwa {} GB herunterzuladen, etwa {} GB auf der Platte; {}",
    "Go On…": "Fortsetzen …",
    "Stop here; what is installed is kept, and setting up again goes on": (
        "Hier aufhören; was installiert ist, bleibt, und erneutes Einrichten macht weiter"
    ),
    "Remove Engine": "Rechenwerk entfernen",
    "Delete the engine environment and free its space": "Löscht die Umgebung und gibt ihren Platz frei",
    "Engine: PyTorch {}, on {}": "Rechenwerk: PyTorch {}, auf {}",
    "The engine is not complete": "Das Rechenwerk ist nicht vollständig",
    "No engine: artalk-mini runs without it, the published models need it": (
        "Kein Rechenwerk: artalk-mini läuft ohne, die veröffentlichten Modelle brauchen es"
    ),
    "Install artalk as an extension first": "Zuerst artalk als Erweiterung installieren",
    "The engine is being set up or removed: wait for it or cancel it": (
        "Das Rechenwerk wird eingerichtet oder entfernt: abwarten oder abbrechen"
    ),
    "{} · {} %": "{} · {} %",
    "Removing": "Wird entfernt",
    "Making the environment": "Die Umgebung wird angelegt",
    "Downloading {}": "Wird heruntergeladen: {}",
    "Downloading": "Wird heruntergeladen",
    "Unpacking": "Wird entpackt",
    "Trying it": "Wird ausprobiert",
    "The address of a processor-only or AMD build is on PyTorch's 'Get Started' page.": (
        "Die Adresse einer Fassung nur für den Prozessor oder für AMD steht auf PyTorchs Seite 'Get Started'."
    ),
    "Blender's own Python and the extension's folder stay as they are.": (
        "Blenders eigenes Python und der Ordner der Erweiterung bleiben, wie sie sind."
    ),
    "Nothing was installed: tick 'Install this' to agree.": "Nichts wurde installiert: 'Dies installieren' ankreuzen.",
    "Online access is off: turn on 'Allow Online Access' in the preferences under System, or give a folder of wheels.": (
        "Der Netzzugang ist aus: in den Einstellungen unter System 'Online-Zugriff erlauben' einschalten, oder einen "
        "Ordner mit Wheels angeben."
    ),
    "There is no fitting Python on this machine: install one, or name one above.": (
        "Auf diesem Rechner ist kein passendes Python: eines installieren, oder oben eines nennen."
    ),
    "Cancelled: what is installed is kept, set up again to go on.": (
        "Abgebrochen: was installiert ist, bleibt; erneut einrichten, um fortzufahren."
    ),
    "The engine is ready: PyTorch {} for {}.": "Das Rechenwerk ist bereit: PyTorch {} für {}.",
    "The engine is ready (PyTorch {}), but sees no {} here: it runs on the processor.": (
        "Das Rechenwerk ist bereit (PyTorch {}), sieht hier aber keine {}: es läuft auf dem Prozessor."
    ),
    "The engine is removed.": "Das Rechenwerk ist entfernt.",
    "The engine has ended unexpectedly (exit status {}{}): generate again, which starts it anew, or choose another "
    "Python for it.": (
        "Das Rechenwerk hat unerwartet geendet (Status {}{}): noch einmal erzeugen, was es neu startet, oder ein anderes "
        "Python dafür wählen."
    ),
    "; it said '{}'": "; es sagte '{}'",
    "'{}' does not answer as an engine: choose the Python of an environment.": (
        "'{}' antwortet nicht als Rechenwerk: das Python einer Umgebung wählen."
    ),
    "The engine speaks version {} of the protocol and artalk version {}: restart Blender, or set the engine up again.": (
        "Das Rechenwerk spricht Fassung {} des Protokolls und artalk Fassung {}: Blender neu starten, oder das Rechenwerk "
        "erneut einrichten."
    ),
    "The engine's Python '{}' cannot be started ({}): choose the Python of an environment with torch.": (
        "Das Python '{}' des Rechenwerks startet nicht ({}): das Python einer Umgebung mit torch wählen."
    ),
    "There is no Python {} with venv on this machine: install one, then set the engine up.": (
        "Auf diesem Rechner ist kein Python {} mit venv: eines installieren, dann das Rechenwerk einrichten."
    ),
    "There is no build for '{}': choose one of {}.": "Für '{}' gibt es keine Fassung: eine von {} wählen.",
    "There is no build of PyTorch for {} on this system: choose another device.": (
        "Für {} gibt es auf diesem System kein PyTorch: ein anderes Gerät wählen."
    ),
    "A folder of wheels and an address are both given: choose one of them.": (
        "Ordner mit Wheels und Adresse sind beide angegeben: eines davon wählen."
    ),
    "The folder '{}' has no wheels: choose the one with the .whl files of PyTorch.": (
        "Im Ordner '{}' sind keine Wheels: den mit den .whl-Dateien von PyTorch wählen."
    ),
    "'{}' is no address of an index: copy the one after --index-url from PyTorch's page.": (
        "'{}' ist keine Adresse eines Index: die nach --index-url von PyTorchs Seite kopieren."
    ),
    "pip does not find the build for {} by itself on this system: paste the address after --index-url from PyTorch's "
    "'Get Started' page, or give a folder of wheels.": (
        "pip findet die Fassung für {} auf diesem System nicht von selbst: die Adresse nach --index-url von PyTorchs "
        "Seite 'Get Started' einfügen, oder einen Ordner mit Wheels angeben."
    ),
    "'{}' is no Python {} with venv: choose another, or leave the field empty.": (
        "'{}' ist kein Python {} mit venv: ein anderes wählen, oder das Feld leer lassen."
    ),
    "'{}' was not set up by artalk, so it is left alone: delete it yourself if you want to.": (
        "'{}' wurde nicht von artalk eingerichtet und bleibt unberührt: bei Bedarf selbst löschen."
    ),
    "'{}' has other files in it: choose an empty folder for the engine.": (
        "In '{}' liegen andere Dateien: einen leeren Ordner für das Rechenwerk wählen."
    ),
    "The engine needs about {} GB and {}: free some space first.": (
        "Das Rechenwerk braucht etwa {} GB, und {}: zuerst Platz schaffen."
    ),
    "The disk is full ({}): free some space and set up again, which goes on.": (
        "Die Platte ist voll ({}): Platz schaffen und erneut einrichten, was weitermacht."
    ),
    "The folder '{}' has no wheel of '{}' that fits {} and '{}': add it and set up again, which goes on.": (
        "Im Ordner '{}' ist kein Wheel von '{}', das zu {} und '{}' passt: hinzufügen und erneut einrichten, was weitermacht."
    ),
    "pip finds no '{}' for '{}': choose another Python, or another address.": (
        "pip findet kein '{}' für '{}': ein anderes Python oder eine andere Adresse wählen."
    ),
    "pip failed, saying '{}': set up again, which goes on, or read '{}'.": (
        "pip ist gescheitert und sagte '{}': erneut einrichten, was weitermacht, oder '{}' lesen."
    ),
    "'{}' cannot be removed ({}): close every Blender that uses the engine and try again.": (
        "'{}' lässt sich nicht entfernen ({}): jedes Blender schließen, das das Rechenwerk benutzt, und noch einmal versuchen."
    ),
    "The engine is installed and does not start ({}): remove it and set it up anew.": (
        "Das Rechenwerk ist installiert und startet nicht ({}): entfernen und neu einrichten."
    ),
    "'{}' cannot make an environment ({}): choose another Python.": (
        "'{}' kann keine Umgebung anlegen ({}): ein anderes Python wählen."
    ),
}

_MODELS = {
    "There is no model '{}': choose one of {}.": "Es gibt kein Modell '{}': eines von {} wählen.",
    "There is no engine '{}': choose one of {}.": "Es gibt kein Rechenwerk '{}': eines von {} wählen.",
    "There is no device '{}' here: choose cpu or auto.": "Es gibt hier kein Gerät '{}': cpu oder auto wählen.",
    "There is no device '{}' without torch: choose cpu or auto.": "Ohne torch gibt es kein Gerät '{}': cpu oder auto wählen.",
    "The weights of '{}' do not come with artalk: {}give the file with --weights FILE.": (
        "Die Gewichte von '{}' kommen nicht mit artalk: {}die Datei unter Gewichte angeben."
    ),
    "The weights file '{}' of the model '{}' is missing: reinstall artalk or give the file.": (
        "Die Gewichtsdatei '{}' des Modells '{}' fehlt: artalk neu installieren oder die Datei angeben."
    ),
    "The weights file '{}' is damaged or cut short: get it again or reinstall artalk.": (
        "Die Gewichtsdatei '{}' ist beschädigt oder abgeschnitten: noch einmal holen oder artalk neu installieren."
    ),
    "There is no engine environment: name its Python in the preferences or by --engine-python.": (
        "Es gibt keine Umgebung zum Rechnen: ihr Python in den Einstellungen nennen."
    ),
    "'{}' needs torch, but this Python lacks the package '{}': choose the model 'mini' with the engine auto, or name a "
    "Python that has it as the engine environment.": (
        "'{}' braucht torch, aber diesem Python fehlt das Paket '{}': das Modell 'mini' mit dem Rechenwerk 'Automatisch' "
        "wählen, oder das Rechenwerk einrichten."
    ),
    "'{}' hears through '{}', which needs torch: choose the engine torch, or a model trained with the log-mel encoder.": (
        "'{}' hört durch '{}', was torch braucht: das Rechenwerk torch wählen, oder ein Modell mit dem Log-Mel-Encoder."
    ),
    "'{}' does not fit the model: {}; get the file again or choose the model it was made for.": (
        "'{}' passt nicht zum Modell: {}; die Datei noch einmal holen, oder das Modell wählen, für das sie gemacht ist."
    ),
    "'{}' does not fit the model: of its {} entries {}; {}.": "'{}' passt nicht zum Modell: von seinen {} Einträgen {}; {}.",
    "'{}' holds no table of named weights: give a published checkpoint of the model.": (
        "'{}' enthält keine benannten Gewichte: einen veröffentlichten Checkpoint des Modells angeben."
    ),
    "There is no file '{}': check the path.": "Es gibt keine Datei '{}': den Pfad prüfen.",
    "The weights of '{}' are a .safetensors file, '{}' is none: give that file.": (
        "Die Gewichte von '{}' sind eine .safetensors-Datei, '{}' ist keine: diese Datei angeben."
    ),
    "'{}' holds more than plain weights or is damaged, so it was not opened: get the file again.": (
        "'{}' enthält mehr als Gewichte oder ist beschädigt und wurde nicht geöffnet: die Datei noch einmal holen."
    ),
    "'{}' is damaged, cut short or not a checkpoint: get the file again.": (
        "'{}' ist beschädigt, abgeschnitten oder kein Checkpoint: die Datei noch einmal holen."
    ),
    "'{}' does not say which model it holds: give a .safetensors written by artalk.": (
        "'{}' sagt nicht, welches Modell darin ist: eine von artalk geschriebene .safetensors-Datei angeben."
    ),
    "'{}' makes {} numbers a frame but says its basis is '{}' with {}: give a file written by artalk.": (
        "'{}' macht {} Zahlen je Bild, nennt aber die Basis '{}' mit {}: eine von artalk geschriebene Datei angeben."
    ),
    "'{}' is a model of '{}' motion, but '{}' gives '{}': choose the model it was trained as.": (
        "'{}' ist ein Modell für '{}'-Bewegung, aber '{}' gibt '{}': das Modell wählen, als das es trainiert wurde."
    ),
    "There is no post-processing '{}': choose one of {}.": "Es gibt keine Nachbearbeitung '{}': eine von {} wählen.",
    "The model '{}' gives the basis '{}' and cannot be turned into '{}' yet: leave the basis out or choose a model of "
    "that basis.": (
        "Das Modell '{}' gibt die Basis '{}', aus der noch nicht '{}' wird: die Basis weglassen, oder ein Modell dieser "
        "Basis wählen."
    ),
    "The published post-processing is for FLAME motion: with '{}' choose artalk or none.": (
        "Die veröffentlichte Nachbearbeitung ist für FLAME-Bewegung: mit '{}' artalk oder keine wählen."
    ),
    "A seed of {} is below 0: choose a whole number from 0 up.": "Die Fassung {} liegt unter 0: eine ganze Zahl ab 0 wählen.",
    "A frame rate of {} is outside 1 to 1000: choose the rate of your scene.": (
        "Die Bildrate {} liegt außerhalb von 1 bis 1000: die der Szene wählen."
    ),
    "The style '{}' is no motion: give a .npz made by artalk, or a published style as .pt.": (
        "Der Stil '{}' ist keine Bewegung: eine .npz-Datei von artalk, oder einen veröffentlichten Stil als .pt angeben."
    ),
    "The seed motion '{}' is no motion: give a .npz made by artalk, or a published .pt.": (
        "Die Anfangsbewegung '{}' ist keine Bewegung: eine .npz-Datei von artalk, oder eine veröffentlichte .pt angeben."
    ),
    "The style '{}' needs torch to be read: give a .npz made by artalk.": (
        "Der Stil '{}' ist nur mit torch lesbar: eine .npz-Datei von artalk angeben."
    ),
    "'{}' is not a style: give a published style of (50, {}) numbers or a motion as .npz.": (
        "'{}' ist kein Stil: einen veröffentlichten Stil aus (50, {}) Zahlen oder eine Bewegung als .npz angeben."
    ),
    "The style '{}' holds values that are not numbers: get the file again.": (
        "Der Stil '{}' enthält Werte, die keine Zahlen sind: die Datei noch einmal holen."
    ),
    "A style motion has 1 to {} frames, not {}: cut it, about 50 frames are usual.": (
        "Eine Stilbewegung hat 1 bis {} Bilder, nicht {}: kürzen, etwa 50 Bilder sind üblich."
    ),
    "The style is motion in '{}' but the model's is '{}': choose a style made with this model.": (
        "Der Stil ist Bewegung in '{}', die des Modells in '{}': einen Stil wählen, der mit diesem Modell gemacht ist."
    ),
    "The motion '{}' holds values that are not numbers: make it again.": (
        "Die Bewegung '{}' enthält Werte, die keine Zahlen sind: noch einmal machen."
    ),
    "A motion is written as .npz or .csv, not '{}': choose one of these endings.": (
        "Eine Bewegung wird als .npz oder .csv geschrieben, nicht als '{}': eine dieser Endungen wählen."
    ),
    "There is no motion file '{}'.": "Es gibt keine Bewegungsdatei '{}'.",
    "'{}' is not a motion saved by artalk: give a .npz made by `artalk generate`.": (
        "'{}' ist keine Bewegung von artalk: eine .npz-Datei aus `artalk generate` angeben."
    ),
}

_FILES = {
    "'{}', frames {} to {}: {}": "'{}', Bilder {} bis {}: {}",
    "'{}' is no format that artalk exports: use one of {}.": "'{}' ist kein Format, das artalk exportiert: eines von {} verwenden.",
    "The folder '{}' does not exist: make it or choose another place.": (
        "Den Ordner '{}' gibt es nicht: anlegen, oder einen anderen Ort wählen."
    ),
    "A step of {} frames is not between 0.01 and 1: leave it out, or halve the frames by 0.5.": (
        "Ein Schritt von {} Bildern liegt nicht zwischen 0,01 und 1: weglassen, oder mit 0,5 die Bilder halbieren."
    ),
    "'{}' has no ARKit shapes, which a CSV holds: export .glb, .fbx, .usdc or .abc.": (
        "'{}' hat keine ARKit-Formen, wie sie in einer CSV stehen: als .glb, .fbx, .usdc oder .abc exportieren."
    ),
    "'{}' is not in the scene '{}': open its scene to export it.": (
        "'{}' ist nicht in der Szene '{}': zum Exportieren die eigene Szene öffnen."
    ),
    "'{}' cannot be written ({}): choose another place.": "'{}' lässt sich nicht schreiben ({}): einen anderen Ort wählen.",
    "This Blender cannot write '{}' files: switch the exporter on in the preferences, or use a build from blender.org.": (
        "Dieses Blender kann '{}' nicht schreiben: den Exporter in den Einstellungen einschalten, oder ein Blender von "
        "blender.org verwenden."
    ),
    "This FLAME file has no faces, so no mesh can be made: give FLAME's own file.": (
        "Diese FLAME-Datei hat keine Flächen, also wird kein Mesh daraus: FLAMEs eigene Datei angeben."
    ),
    "FLAME is moved by FLAME motion, not by '{}': generate with another model.": (
        "FLAME bewegt sich durch FLAME-Bewegung, nicht durch '{}': mit einem anderen Modell erzeugen."
    ),
    "There are {} {} numbers, but this FLAME file has {} {} shapes: give fewer, or a file with more.": (
        "Es sind {} {}-Zahlen, aber diese FLAME-Datei hat {} {}-Formen: weniger angeben, oder eine Datei mit mehr."
    ),
    "'{}' is not the FLAME_with_eye.pt that the released ARTalk was trained with: if the face looks wrong with that "
    "model, import that file instead.": (
        "'{}' ist nicht die FLAME_with_eye.pt, mit der das veröffentlichte ARTalk trainiert wurde: sieht das Gesicht mit "
        "diesem Modell falsch aus, stattdessen jene Datei importieren."
    ),
    "The weights '{}' were trained with another version of FLAME than '{}' is (basis {}, not {}): import the FLAME file "
    "that they were trained with.": (
        "Die Gewichte '{}' wurden mit einer anderen Fassung von FLAME trainiert, als '{}' es ist (Basis {}, nicht {}): die "
        "FLAME-Datei importieren, mit der sie trainiert wurden."
    ),
    "There is no FLAME file '{}': check the path.": "Es gibt keine FLAME-Datei '{}': den Pfad prüfen.",
    "'{}' is no FLAME file: give a {} or {} file.": "'{}' ist keine FLAME-Datei: eine {}- oder {}-Datei angeben.",
    "There is no identity file '{}': check the path.": "Es gibt keine Identitätsdatei '{}': den Pfad prüfen.",
    "'{}' should hold one row of numbers, one for each identity shape: correct the file.": (
        "'{}' sollte eine Reihe von Zahlen enthalten, eine je Identitätsform: die Datei berichtigen."
    ),
    "'{}' has {} shapes, and FLAME has 100 or 300 identities and 50 or 100 expressions: give FLAME's own file.": (
        "'{}' hat {} Formen, FLAME aber 100 oder 300 Identitäten und 50 oder 100 Ausdrücke: FLAMEs eigene Datei angeben."
    ),
    "The faces of '{}' do not fit its {} vertices: get the file again.": (
        "Die Flächen von '{}' passen nicht zu den {} Punkten: die Datei noch einmal holen."
    ),
    "The texture coordinates of '{}' do not fit its faces: get the file again.": (
        "Die Texturkoordinaten von '{}' passen nicht zu den Flächen: die Datei noch einmal holen."
    ),
    "'{}' holds more than arrays ({}), so it was not opened: get the file from FLAME's own site.": (
        "'{}' enthält mehr als Zahlenfelder ({}) und wurde nicht geöffnet: die Datei von FLAMEs eigener Seite holen."
    ),
    "'{}' is damaged, cut short or no FLAME file: get the file again.": (
        "'{}' ist beschädigt, abgeschnitten oder keine FLAME-Datei: noch einmal holen."
    ),
    "'{}' holds no identity: give a .npy, .npz (betas) or text file with its numbers.": (
        "'{}' enthält keine Identität: eine .npy-, .npz- (betas) oder Textdatei mit ihren Zahlen angeben."
    ),
    "'{}' is no FLAME model, as it has no {}: give FLAME's own file.": (
        "'{}' ist kein FLAME-Modell, da {} fehlt: FLAMEs eigene Datei angeben."
    ),
    "'{}' is no FLAME model, as its arrays hold no numbers: give FLAME's own file.": (
        "'{}' ist kein FLAME-Modell, da seine Felder keine Zahlen enthalten: FLAMEs eigene Datei angeben."
    ),
    "'{}' is no FLAME model, as its {} is {} instead of {}: give FLAME's own file.": (
        "'{}' ist kein FLAME-Modell, da {} {} statt {} ist: FLAMEs eigene Datei angeben."
    ),
    "The {} of '{}' holds values that are not numbers: get the file again.": (
        "{} von '{}' enthält Werte, die keine Zahlen sind: die Datei noch einmal holen."
    ),
    "There is no '{}' in '{}': choose the folder FaceXModel of ICT-FaceKit.": (
        "In '{1}' gibt es kein '{0}': den Ordner FaceXModel von ICT-FaceKit wählen."
    ),
    "There is no '{}': choose the folder FaceXModel of ICT-FaceKit.": (
        "Es gibt kein '{}': den Ordner FaceXModel von ICT-FaceKit wählen."
    ),
    "'{}' holds the neutral mesh and no shapes: fetch the whole folder.": (
        "'{}' enthält das neutrale Mesh und keine Formen: den ganzen Ordner holen."
    ),
    "'{}' lacks files of {}, which the head could then not show: fetch the whole folder FaceXModel again.": (
        "In '{}' fehlen Dateien von {}, die der Kopf dann nicht zeigen könnte: den ganzen Ordner FaceXModel erneut holen."
    ),
    "But not all of it shows.": "Aber nicht alles davon ist zu sehen.",
    "'{}' is scaled to 0, so nothing of '{}' is seen: give it a size, or go to a frame where it has one.": (
        "'{}' ist auf 0 skaliert, sodass von '{}' nichts zu sehen ist: eine Größe geben oder zu einem Frame gehen, auf "
        "dem es eine hat."
    ),
    "Set Scale to 1": "Skalierung auf 1 setzen",
    "The mapping '{}' does not fit '{}', which has nothing of its mouth: it lacks {}. Choose another one, or press Detect.": (
        "Die Zuordnung '{}' passt nicht zu '{}', das nichts von ihrem Mund hat: es fehlen {}. Eine andere wählen oder "
        "Erkennen drücken."
    ),
    "'{}' is cut off or holds no mesh: fetch it again.": "'{}' ist abgeschnitten oder enthält kein Mesh: noch einmal holen.",
    "'{}' is no packed ICT-FaceKit head: choose the folder FaceXModel.": (
        "'{}' ist kein gepackter Kopf von ICT-FaceKit: den Ordner FaceXModel wählen."
    ),
    "'{}' is no OBJ file that can be read: fetch it again.": "'{}' ist keine lesbare OBJ-Datei: noch einmal holen.",
    "'{}' cannot be read ({}): choose another folder.": "'{}' ist nicht lesbar ({}): einen anderen Ordner wählen.",
    "'{}' has {} vertices and the neutral mesh {}: take all files from one copy of ICT-FaceKit.": (
        "'{}' hat {} Punkte, das neutrale Mesh {}: alle Dateien aus einer Kopie von ICT-FaceKit nehmen."
    ),
    "'{}' has a face of {} corners: artalk reads 3 and 4.": "'{}' hat eine Fläche mit {} Ecken: artalk liest 3 und 4.",
}

_DIALOGUE = {
    "Dialogue": "Dialog",
    "What Is Up to Date?": "Was ist aktuell?",
    "Look at each strip of the scene: is its speech up to date, changed or missing? Nothing is generated": (
        "Sieht jeden Streifen der Szene an: ist sein Sprechen aktuell, geändert, oder fehlt es? Nichts wird erzeugt"
    ),
    "up to date": "aktuell",
    "{} up to date": "{} aktuell",
    "{} changed": "{} geändert",
    "{} missing": "{} fehlen",
    "{} baked": "{} gebacken",
    "baked": "gebacken",
    "Its keys are baked, so they are yours and stay as they are: delete them to generate it again.": (
        "Die Keyframes sind gebacken und bleiben, wie sie sind: zum neuen Erzeugen löschen."
    ),
    "The keys of all strips are baked, and so yours: delete them to generate them again.": (
        "Die Keyframes aller Streifen sind gebacken: zum neuen Erzeugen löschen."
    ),
    "{} no character": "{} ohne Figur",
    "{} unreadable": "{} unlesbar",
    "unreadable": "unlesbar",
    "strip is gone": "Streifen ist weg",
    "No strip is heard": "Kein Streifen ist zu hören",
    "sound": "Ton",
    "place": "Ort",
    "line before": "Zeile davor",
    "model": "Modell",
    "style": "Stil",
    "weights": "Gewichte",
    "take": "Fassung",
    "layers": "Ebenen",
    "changed": "geändert",
    "missing": "fehlt",
    "no character": "keine Figur",
    "Generate All": "Alles erzeugen",
    "Generate every strip of the scene that is heard, each on its own character; what is up to date stays as it is": (
        "Erzeugt jeden hörbaren Streifen der Szene, jeden auf seiner Figur; was aktuell ist, bleibt"
    ),
    "By": "Nach",
    "Add Role": "Rolle hinzufügen",
    "Say which strips a character speaks": "Sagt, welche Streifen eine Figur spricht",
    "Pattern of Names": "Namensmuster",
    "Strips whose name fits: * stands for anything, as in ANNA_*": "Streifen mit passendem Namen: * steht für alles, wie in ANNA_*",
    "Strips whose name fits, such as ANNA_*": "Streifen mit passendem Namen, etwa ANNA_*",
    "Channel": "Kanal",
    "Strips on channels whose name fits": "Streifen auf Kanälen mit passendem Namen",
    "All strips on a channel": "Alle Streifen auf einem Kanal",
    "One strip, by its whole name": "Ein Streifen, nach seinem ganzen Namen",
    "Selected Strips": "Ausgewählte Streifen",
    "The strips that are selected now, before all other roles": "Die jetzt ausgewählten Streifen, vor allen anderen Rollen",
    "Pattern": "Muster",
    "Name, or a pattern with *, such as ANNA_*": "Name, oder ein Muster mit *, etwa ANNA_*",
    "Mesh that speaks these strips": "Mesh, das diese Streifen spricht",
    "Change Role": "Rolle ändern",
    "Take the chosen role away, or move it: of several that fit a strip, the first one counts": (
        "Entfernt oder verschiebt die gewählte Rolle: passen mehrere zu einem Streifen, zählt die erste"
    ),
    "Remove": "Entfernen",
    "Down": "Nach unten",
    "Without roles one character speaks all strips.": "Ohne Rollen spricht eine Figur alle Streifen.",
    "No role fits the strip '{}': add one for its name or channel.": (
        "Keine Rolle passt zum Streifen '{}': eine für seinen Namen oder Kanal hinzufügen."
    ),
    "The role '{}' of the strip '{}' has no character: choose one.": (
        "Die Rolle '{}' des Streifens '{}' hat keine Figur: eine wählen."
    ),
    "No sound strip of the scene '{}' is heard: look in the sequencer.": (
        "Kein Tonstreifen der Szene '{}' ist zu hören: im Sequenzer nachsehen."
    ),
    "No sound strip is selected: select one or more in the sequencer.": (
        "Kein Tonstreifen ist ausgewählt: im Sequenzer einen oder mehrere auswählen."
    ),
    "Between Lines": "Zwischen Zeilen",
    "Idle": "Leerlauf",
    "How much the face blinks, looks about and sways between lines; 0 for none": (
        "Wie sehr das Gesicht zwischen Zeilen blinzelt, umherschaut und schwankt; 0 für gar nicht"
    ),
    "Idle at the Ends": "Leerlauf am Rand",
    "Blink and sway before the first line and after the last as well, over the frames of the scene": (
        "Auch vor der ersten und nach der letzten Zeile blinzeln und schwanken, über die Bilder der Szene"
    ),
    "Remove Lines": "Zeilen entfernen",
    "Take the speech of strips off the character: its keys, your edits of them, and all that artalk keeps of it": (
        "Nimmt der Figur das Sprechen von Streifen: seine Keyframes, eigene Änderungen daran und alles, was artalk davon behält"
    ),
    "Which": "Welche",
    "Without a Strip": "Ohne Streifen",
    "Lines whose strips have been deleted": "Zeilen, deren Streifen gelöscht wurden",
    "Lines of the strips that are selected": "Zeilen der ausgewählten Streifen",
    "{} line of '{}' removed.": "{} Zeile von '{}' entfernt.",
    "{} lines of '{}' removed.": "{} Zeilen von '{}' entfernt.",
    "One Key a Frame": "Ein Keyframe je Bild",
    "Give reduced speech one key a frame again; your edits stay": (
        "Gibt verringertem Sprechen wieder einen Keyframe je Bild; eigene Änderungen bleiben"
    ),
    "{} moves along by the same keys.": "{} bewegt sich durch dieselben Keyframes mit.",
    "{} move along by the same keys.": "{} bewegen sich durch dieselben Keyframes mit.",
    "{} line of '{}' with one key a frame.": "{} Zeile von '{}' mit einem Keyframe je Bild.",
    "{} lines of '{}' with one key a frame.": "{} Zeilen von '{}' mit einem Keyframe je Bild.",
    "No line of '{}' is reduced: there is one key a frame already.": (
        "Keine Zeile von '{}' ist verringert: es gibt schon einen Keyframe je Bild."
    ),
    "'{}' has no line {}: nothing was removed.": "'{}' hat keine Zeile {}: nichts wurde entfernt.",
}

_STYLES = {
    "Style": "Stil",
    "Advanced": "Erweitert",
    "Style Guidance": "Stärke des Stils",
    "How much of the style: 1 as it is, above 1 more; 0: what the model was made for": (
        "Wie viel vom Stil: 1 wie er ist, über 1 mehr; 0: wofür das Modell gemacht ist"
    ),
    "Seed Motion": "Anfangsbewegung",
    "A motion (.npz) of what the face did before, to go on from; empty: from rest": (
        "Eine Bewegung (.npz) dessen, was das Gesicht vorher tat, um daran anzuknüpfen; leer: aus der Ruhe"
    ),
    "Keep the Head Still": "Kopf stillhalten",
    "No turns of the head": "Keine Kopfbewegung",
    "Finish": "Nachbearbeitung",
    "What is done to the model's motion": "Was mit der Bewegung des Modells geschieht",
    "Artalk's Layers": "Artalks Ebenen",
    "Our layers on ARKit motion, the published smoothing on FLAME motion": (
        "Unsere Ebenen auf ARKit-Bewegung, die veröffentlichte Glättung auf FLAME-Bewegung"
    ),
    "As Published": "Wie veröffentlicht",
    "The smoothing of ARTalk's own tools, cut after 30 s; FLAME motion alone": (
        "Die Glättung von ARTalks eigenen Werkzeugen, nach 30 s abgeschnitten; nur FLAME-Bewegung"
    ),
    "None": "Keine",
    "The model's own output, exact": "Genau die Ausgabe des Modells",
    "Save Style…": "Stil speichern …",
    "Keep the two seconds of the character's animation that begin at the current frame as a style; no key changes": (
        "Behält die zwei Sekunden der Animation der Figur ab dem aktuellen Bild als Stil; kein Keyframe ändert sich"
    ),
    "Replace": "Ersetzen",
    "Write over a style of this name": "Einen Stil dieses Namens überschreiben",
    "Play Two Seconds": "Zwei Sekunden abspielen",
    "as most people speak": "wie die meisten sprechen",
    "a quiet head and quiet brows": "ruhiger Kopf, ruhige Brauen",
    "head and brows take part": "Kopf und Brauen sprechen mit",
    "lips that move little": "Lippen, die sich wenig bewegen",
    "a mouth that opens wide": "ein Mund, der weit aufgeht",
    "smiles while it speaks": "lächelt beim Sprechen",
    "lowered brows, no smile": "gesenkte Brauen, kein Lächeln",
    "published with ARTalk": "mit ARTalk veröffentlicht",
    "Play the two seconds from the current frame on, again and again: what Save Style would keep": (
        "Spielt die zwei Sekunden ab dem aktuellen Bild immer wieder: was 'Stil speichern' behielte"
    ),
    "Remove Style": "Stil löschen",
    "Delete a style of your own; lines that were made with it stay as they are": (
        "Löscht einen eigenen Stil; Zeilen, die damit gemacht sind, bleiben"
    ),
    "The style '{}' is saved and chosen: {}.": "Der Stil '{}' ist gespeichert und gewählt: {}.",
    "These two seconds: {}.": "Diese zwei Sekunden: {}.",
    "The style '{}' is removed.": "Der Stil '{}' ist gelöscht.",
    "'{}' has no keys from frame {} to {}: choose where it moves.": (
        "'{}' hat von Bild {} bis {} keine Keyframes: wählen, wo sich etwas bewegt."
    ),
    "A style takes {} s and the keys of '{}' from frame {} on last {} s: begin earlier, or animate more.": (
        "Ein Stil braucht {} s, und die Keyframes von '{}' reichen ab Bild {} für {} s: früher beginnen, oder mehr animieren."
    ),
    "There is no folder for models and styles: install artalk as an extension first.": (
        "Es gibt keinen Ordner für Modelle und Stile: zuerst artalk als Erweiterung installieren."
    ),
}

_WEIGHTS = {
    "Get Weights…": "Gewichte holen …",
    "Download the published weights of a model into the model folder; shows their licence and asks first": (
        "Lädt die veröffentlichten Gewichte eines Modells in den Modellordner; zeigt ihre Lizenz und fragt vorher"
    ),
    "Model whose weights to get": "Modell, dessen Gewichte geholt werden",
    "I have read the licence and agree to it": "Ich habe die Lizenz gelesen und stimme ihr zu",
    "Nothing is downloaded without this": "Ohne dies wird nichts heruntergeladen",
    "Read the Licence on the Model Card": "Die Lizenz beim Modell lesen",
    "Import Weights…": "Gewichte importieren …",
    "Take weights that you have downloaded yourself into the model folder": (
        "Nimmt selbst heruntergeladene Gewichte in den Modellordner auf"
    ),
    "Point to the File": "Auf die Datei verweisen",
    "Leave the file where it is instead of copying it": "Die Datei lassen, wo sie ist, statt sie zu kopieren",
    "Something is being set up already: wait for it or cancel it": "Es wird schon etwas eingerichtet: abwarten oder abbrechen",
    "Stop here; what has come is kept, and starting again goes on": (
        "Hier aufhören; was gekommen ist, bleibt, und ein neuer Anfang macht weiter"
    ),
    "The weights of '{}' are here: {}.": "Die Gewichte von '{}' sind da: {}.",
    "The weights of '{}' are imported. {}": "Die Gewichte von '{}' sind importiert. {}",
    "Cancelled: what has come is kept, get the weights again to go on.": (
        "Abgebrochen: was gekommen ist, bleibt; die Gewichte noch einmal holen, um fortzufahren."
    ),
    "Downloads need the engine, which this model runs on as well: press Set Up Engine in artalk's preferences first, or download the file yourself and import it.": (
        "Zum Herunterladen braucht es das Rechenwerk, auf dem dieses Modell auch läuft: zuerst in artalks Einstellungen das Rechenwerk einrichten, oder die Datei selbst herunterladen und importieren."
    ),
    "Nothing was downloaded: read the licence and tick that you agree to it.": (
        "Nichts wurde heruntergeladen: die Lizenz lesen und die Zustimmung ankreuzen."
    ),
    "Online access is off: turn on 'Allow Online Access' in the preferences under System, or import files that you have.": (
        "Der Netzzugang ist aus: in den Einstellungen unter System 'Online-Zugriff erlauben' einschalten, oder vorhandene Dateien importieren."
    ),
    "'{}' holds weights of no model that artalk knows: see 'artalk weights list'.": (
        "'{}' enthält Gewichte keines Modells, das artalk kennt."
    ),
    "'{}' is not the published file, though it has the same names in it: not verified.": (
        "'{}' ist nicht die veröffentlichte Datei, hat aber dieselben Namen in sich: nicht geprüft."
    ),
    "'{}' was written by artalk.": "'{}' wurde von artalk geschrieben.",
    "No hash was published for '{}': not verified.": "Für '{}' wurde keine Prüfsumme veröffentlicht: nicht geprüft.",
    "'{}' is the published file.": "'{}' ist die veröffentlichte Datei.",
    "The weights of '{}' cannot be fetched by artalk: get {} from {}, then import them.": (
        "artalk kann die Gewichte von '{}' nicht holen: {} von {} holen, dann importieren."
    ),
    "'{}' lacks the package huggingface_hub: set the engine up, or get the files from {} and import them.": (
        "'{}' fehlt das Paket huggingface_hub: das Rechenwerk einrichten, oder die Dateien von {} holen und importieren."
    ),
    "The weights did not come ({}): get them again, which goes on where it stopped, or get them from {} by other means and import them.": (
        "Die Gewichte sind nicht gekommen ({}): noch einmal holen, was weitermacht, oder sie anders von {} holen und importieren."
    ),
    "The weights need {} GB and '{}' has {} GB free: make room, or choose another folder of models.": (
        "Die Gewichte brauchen {} GB, und '{}' hat {} GB frei: Platz schaffen, oder einen anderen Modellordner wählen."
    ),
    "What came as '{}' is not the published file (its SHA-256 begins {}, not {}), so it was deleted: get it again, or see {} whether there is a newer one.": (
        "Was als '{}' kam, ist nicht die veröffentlichte Datei (SHA-256 beginnt mit {}, nicht {}) und wurde gelöscht: noch einmal holen, oder bei {} nach einer neueren sehen."
    ),
    "The folder '{}' has no weights: give the one with the .pt or .pth.tar files.": (
        "Im Ordner '{}' sind keine Gewichte: den mit den .pt- oder .pth.tar-Dateien angeben."
    ),
    "'{}' has weights of several models, {}: import one file.": "'{}' enthält Gewichte mehrerer Modelle, {}: eine Datei importieren.",
    "'{}' needs {} as well, under this name: import that too.": "'{}' braucht auch {}, unter diesem Namen: ebenfalls importieren.",
    "'{}' is a FLAME head, no model that speaks: import it as a head.": (
        "'{}' ist ein FLAME-Kopf, kein Modell, das spricht: als Kopf importieren."
    ),
    "'{}' comes from ARTalk's training code and is not the released model: choose the released weights, or a model of your own by 'artalk train generator'.": (
        "'{}' kommt aus ARTalks Trainingscode und ist nicht das veröffentlichte Modell: die veröffentlichten Gewichte wählen, oder ein eigenes Modell von 'artalk train generator'."
    ),
    "'{}' is of artalk-mini's kind, which needs no import: give it with --weights.": (
        "'{}' ist von der Art von artalk-mini und braucht keinen Import: unter Gewichte angeben."
    ),
    "No weights of '{}' are published: give your own with --weights, or import them.": (
        "Von '{}' sind keine Gewichte veröffentlicht: eigene unter Gewichte angeben oder importieren."
    ),
    "'{}' cannot be written ({}): choose another folder of models.": (
        "'{}' lässt sich nicht schreiben ({}): einen anderen Modellordner wählen."
    ),
    "'{}' cannot be started ({}): set the engine up again.": "'{}' startet nicht ({}): das Rechenwerk erneut einrichten.",
    "'{}' is damaged, cut short or not a file of torch's: get the file again.": (
        "'{}' ist beschädigt, abgeschnitten oder keine Datei von torch: noch einmal holen."
    ),
    "'{}' holds more than tensors ({}), so it was not opened: get the file again.": (
        "'{}' enthält mehr als Tensoren ({}) und wurde nicht geöffnet: die Datei noch einmal holen."
    ),
    "'{}' holds no table of named weights: give a published checkpoint of a model.": (
        "'{}' enthält keine benannten Gewichte: einen veröffentlichten Checkpoint eines Modells angeben."
    ),
    "The model '{}' knows no style guidance and no seed motion: leave them out.": (
        "Das Modell '{}' kennt weder Stärke des Stils noch Anfangsbewegung: beides weglassen."
    ),
    "A style guidance of {} is outside {} to {}: 1 is the style as it is.": (
        "Eine Stilstärke von {} liegt außerhalb von {} bis {}: 1 ist der Stil, wie er ist."
    ),
    "The seed motion has no frames: choose one that is not empty.": (
        "Die Anfangsbewegung hat keine Bilder: eine wählen, die nicht leer ist."
    ),
    "The {} is motion in '{}' but the model's is '{}': choose a {} made with this model.": (
        "Bewegung in '{1}' passt nicht zum Modell, das sie in '{2}' hat: etwas wählen, das mit diesem Modell gemacht ist."
    ),
}

_FLAME = {
    "FLAME File": "FLAME-Datei",
    "The FLAME file that the model is meant for, to fit its motion to heads of other kinds": (
        "Die FLAME-Datei, für die das Modell gedacht ist, um seine Bewegung auf andere Köpfe zu übertragen"
    ),
    "FLAME head; ARKit motion is fitted to it": "FLAME-Kopf; ARKit-Bewegung wird auf ihn übertragen",
    "Report FLAME Fit": "Bericht zur FLAME-Übertragung",
    "Write into a text how well this FLAME head shows each ARKit shape, and ARKit shapes each of its expressions": (
        "Schreibt in einen Text, wie gut dieser FLAME-Kopf jede ARKit-Form zeigt, und ARKit-Formen jeden seiner Ausdrücke"
    ),
    "{} of {} ARKit shapes are shown well: the text '{}' has all.": "{} von {} ARKit-Formen werden gut gezeigt: der Text '{}' nennt alle.",
    "There is no FLAME head to report on: choose one in the panel or make it active.": (
        "Es gibt keinen FLAME-Kopf für einen Bericht: einen im Panel wählen oder aktiv machen."
    ),
    "No face was found on this head: its {} are not where a face has them.": (
        "An diesem Kopf wurde kein Gesicht gefunden: {} sind nicht, wo ein Gesicht sie hat."
    ),
    "No face was found on this head: its jaw parts no lips.": "An diesem Kopf wurde kein Gesicht gefunden: sein Kiefer öffnet keine Lippen.",
    "The motion is '{}' and not '{}': give one of that basis.": "Die Bewegung ist '{}' und nicht '{}': eine dieser Basis angeben.",
    "The motion has {} expressions and the FLAME file {}: give one with all of them.": (
        "Die Bewegung hat {} Ausdrücke, die FLAME-Datei {}: eine mit allen angeben."
    ),
    "The model '{}' gives {} motion, and to turn it into {} takes a FLAME head to measure on: give your FLAME file (--head FILE, or FLAME File in the panel).": (
        "Das Modell '{}' gibt {}-Bewegung; um daraus {} zu machen, braucht es einen FLAME-Kopf zum Messen: die eigene FLAME-Datei im Panel wählen."
    ),
    "The model '{}' moves vertices, which cannot be turned into '{}': leave the basis out.": (
        "Das Modell '{}' bewegt Punkte, woraus nicht '{}' wird: die Basis weglassen."
    ),
    "The weights '{}' were trained with another version of FLAME than '{}' is (basis {}, not {}): import the FLAME file that they were trained with, or choose it as FLAME File in the panel, so that the motion is fitted to this head.": (
        "Die Gewichte '{}' wurden mit einer anderen Fassung von FLAME trainiert, als '{}' es ist (Basis {}, nicht {}): die FLAME-Datei importieren, mit der sie trainiert wurden, oder sie im Panel als FLAME-Datei wählen, damit die Bewegung auf diesen Kopf übertragen wird."
    ),
    "One FLAME file has {} vertices and the other {}: give two of one topology.": (
        "Eine FLAME-Datei hat {} Punkte, die andere {}: zwei von gleichem Aufbau angeben."
    ),
    "The motion is '{}' and not 'flame': give FLAME motion.": "Die Bewegung ist '{}' und nicht 'flame': FLAME-Bewegung angeben.",
    "The motion has {} expressions and its FLAME file {}: give the file that it is meant for.": (
        "Die Bewegung hat {} Ausdrücke, ihre FLAME-Datei {}: die Datei angeben, für die sie gedacht ist."
    ),
}

GERMAN: dict[str, str] = {
    **_PANEL,
    **_HEADS,
    **_LAYERS,
    **_EDITS,
    **_GENERATING,
    **_STRIPS,
    **_MOVES,
    **_MAPPING,
    **_PREFERENCES,
    **_ENGINE,
    **_MODELS,
    **_FILES,
    **_DIALOGUE,
    **_STYLES,
    **_WEIGHTS,
    **_FLAME,
}
"""English as the code says it -> German."""
